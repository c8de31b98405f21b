//! Over TLS, with rustls on both ends and a certificate of the test's own.

use std::sync::Arc;

use http::{Request, Version};
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tower::{Layer, ServiceExt};
use tower_bearer::BearerAuthLayer;
use tower_bearer::login::Form;
use tower_bearer::testing::Api;

use crate::support::{Body, auth_error};

/// T1, R2, R5: login, request and renewal go over TLS, with HTTP/1.1 and with HTTP/2.
#[tokio::test]
async fn a_revoked_token_is_renewed_over_tls() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let api = Api::new().account("alice", "secret");
        let server = Server::start(api.clone()).await;
        let trusted = Some(&server.certificate);
        let login = client(version, trusted);
        let login = Form::new(login, &server.origin, "alice", "secret").unwrap();
        let client = BearerAuthLayer::new(login).layer(client(version, trusted));
        for logins in 1..=2 {
            let response = client.clone().oneshot(server.echo()).await.unwrap();
            assert_eq!(
                (response.status().as_u16(), response.version()),
                (200, version)
            );
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, "not lost");
            assert_eq!(api.counts().logins, logins);
            api.revoke_all();
        }
        assert_eq!(api.counts().refused, 1);
    }
}

/// L2: a server whose certificate is not trusted gets neither password nor request.
#[tokio::test]
async fn a_login_at_an_untrusted_server_is_unavailable() {
    let api = Api::new().account("alice", "secret");
    let server = Server::start(api.clone()).await;
    let login = client(Version::HTTP_2, None);
    let login = Form::new(login, &server.origin, "alice", "secret").unwrap();
    let client = BearerAuthLayer::new(login).layer(client(Version::HTTP_2, None));
    let error = auth_error(client.oneshot(server.echo()).await.unwrap_err());
    assert!(error.is_unavailable(), "{error}");
    assert_eq!((api.counts().logins, api.counts().requests), (0, 0));
}

struct Server {
    origin: String,
    certificate: CertificateDer<'static>,
}

impl Server {
    /// The stand-in, for whoever speaks TLS, until the test is over.
    async fn start(api: Api) -> Self {
        let issued = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let certificate = issued.cert.der().clone();
        let key = issued.signing_key.serialize_der().try_into().unwrap();
        let mut config = ServerConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".into(), b"http/1.1".into()];
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(api.clone()));
                tokio::spawn(async move {
                    let stream = TokioIo::new(acceptor.accept(stream).await?);
                    let server = auto::Builder::new(TokioExecutor::new());
                    server.serve_connection(stream, service).await
                });
            }
        });
        Self {
            origin,
            certificate,
        }
    }

    fn echo(&self) -> Request<Body> {
        let request = Request::post(format!("{}/echo", self.origin));
        request.body(Body::from("not lost")).unwrap()
    }
}

type Https<B> = Client<HttpsConnector<HttpConnector>, B>;

fn client<B>(version: Version, trusted: Option<&CertificateDer<'static>>) -> Https<B>
where
    B: http_body::Body<Data: Send> + Send,
{
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted.cloned());
    let config = ClientConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only();
    let connector = match version {
        Version::HTTP_2 => connector.enable_http2().build(),
        _ => connector.enable_http1().build(),
    };
    Client::builder(TokioExecutor::new()).build(connector)
}
