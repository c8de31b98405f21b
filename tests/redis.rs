//! `store::Redis` against real servers, on loopback ports of their own.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use redis::aio::ConnectionManager;
use tower_bearer::store::{Owner, Redis, Stored, TokenStore, Version};
use tower_bearer::testing::check_store;

const HOUR: Duration = Duration::from_secs(3600);
const NAME: &str = "0123456789abcdef";
const PASSWORD: &str = "s3cretPassw0rd";

/// A server that ends with its test.
struct Server {
    process: Option<Child>,
    port: u16,
    directory: PathBuf,
    settings: &'static [&'static str],
}

impl Server {
    fn start() -> Self {
        Self::with(&[])
    }

    /// One with these settings, too.
    fn with(settings: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let name = format!("redis-{port}");
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&directory).unwrap();
        let mut server = Self {
            process: None,
            port,
            directory,
            settings,
        };
        server.restart();
        server
    }

    fn restart(&mut self) {
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port, "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]);
        command
            .args(["--requirepass", PASSWORD])
            .args(self.settings);
        command.current_dir(&self.directory).stdout(Stdio::null());
        let process = command.spawn().expect(
            "no redis-server to test with: install it (Debian: apt-get install redis-server)",
        );
        self.process = Some(process);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "it starts not");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// An administrator's command, in a connection of its own; returns the answer as it came.
    fn command(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = format!("AUTH {PASSWORD}\r\n{command}\r\nQUIT\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Answers nobody for so long.
    fn pause(&self, time: Duration) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let ms = time.as_millis();
        let request = format!("AUTH {PASSWORD}\r\nCLIENT PAUSE {ms} ALL\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 10];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"+OK\r\n+OK\r\n");
    }

    /// How long a key has left to live, in ms.
    fn time_to_live(&self, key: &str) -> u64 {
        let answer = self.command(&format!("PTTL {key}"));
        let number = answer.split(':').nth(1).unwrap().lines().next();
        number.unwrap().parse().unwrap()
    }

    fn url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}/", self.port)
    }

    fn store(&self) -> Redis {
        Redis::from_url(&self.url()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

async fn set(store: &Redis, before: Option<&Stored>, record: &[u8]) -> Option<Version> {
    let before = before.map(Stored::version);
    let set = store.compare_and_set(NAME, before, record, HOUR);
    set.await.unwrap()
}

async fn load(store: &Redis) -> Option<Stored> {
    store.load(NAME).await.unwrap()
}

/// F4, F5: Redis is a store, by a URL and by a connection of the user's.
#[tokio::test]
async fn redis_is_a_store() {
    let server = Server::start();
    check_store(server.store()).await.unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let manager = ConnectionManager::new(client).await.unwrap();
    let store = Redis::from_connection_manager(manager).key_prefix("another:");
    check_store(store).await.unwrap();
}

/// F23: keys are under the prefix, and live as long as a record is good; a lease lives its time.
#[tokio::test]
async fn keys_have_a_prefix_and_a_time_to_live() {
    let server = Server::start();
    let store = server.store();
    set(&store, None, b"record").await.unwrap();
    let left = server.time_to_live(&format!("tower-bearer:{NAME}"));
    assert!((3_590_000..=3_600_000).contains(&left), "{left}");

    let minute = Duration::from_secs(60);
    assert!(store.lease(NAME, &Owner::new(), minute).await.unwrap());
    let left = server.time_to_live(&format!("tower-bearer:{NAME}:lease"));
    assert!((50_000..=60_000).contains(&left), "{left}");

    let other = server.store().key_prefix("other:");
    assert!(load(&other).await.is_none());
    set(&other, None, b"record").await.unwrap();
    assert!(
        server
            .command("EXISTS other:0123456789abcdef")
            .contains(":1")
    );
    assert!(server.command("DBSIZE").contains(":3"));
}

/// F16: a server that answers nothing costs the time limit, and is used again when it does.
#[tokio::test]
async fn a_paused_server_costs_its_time_limit() {
    let server = Server::start();
    let store = server.store();
    set(&store, None, b"record").await.unwrap();
    server.pause(Duration::from_secs(2));
    let error = store.load(NAME).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    // Each try takes the time limit, so a few of them outlast the pause.
    let mut found = None;
    for _ in 0..100 {
        found = store.load(NAME).await.unwrap_or_default();
        if found.is_some() {
            break;
        }
    }
    assert_eq!(found.unwrap().record(), b"record");
}

/// F16: a server that is gone is told at once, and the first load after it is back finds it.
#[tokio::test]
async fn a_killed_server_is_found_again() {
    let mut server = Server::start();
    let store = server.store();
    set(&store, None, b"record").await.unwrap();
    server.kill();
    for _ in 0..3 {
        let error = store.load(NAME).await.unwrap_err();
        assert!(error.is_unavailable() && !error.is_timeout(), "{error}");
    }
    server.restart();
    assert!(load(&store).await.is_none(), "it kept nothing");
    set(&store, None, b"another").await.unwrap();
    // Also where nobody noticed that it was gone.
    server.kill();
    server.restart();
    assert!(load(&store).await.is_none());
    assert!(store.lease(NAME, &Owner::new(), HOUR).await.unwrap());
}

/// F4: a write whose connection broke is not repeated: nobody knows what became of it.
#[tokio::test]
async fn a_write_is_not_repeated() {
    let mut server = Server::start();
    let store = server.store();
    set(&store, None, b"record").await.unwrap();
    server.kill();
    server.restart();
    let write = store.compare_and_set(NAME, None, b"record", HOUR).await;
    assert!(write.unwrap_err().is_unavailable());
    assert!(server.command("DBSIZE").contains(":0"));
}

/// F16, F23: a server that takes no more says so, and what it repeats of a record is not shown.
#[tokio::test]
async fn a_full_server_refuses() {
    let server = Server::start();
    let store = server.store();
    set(&store, None, b"record").await.unwrap();
    let before = load(&store).await.unwrap();
    server.command("CONFIG SET maxmemory 1");
    let set = store.compare_and_set(NAME, Some(before.version()), b"s3cret", HOUR);
    let error = set.await.unwrap_err();
    assert!(error.is_refused(), "{error}");
    assert!(!error.to_string().contains("s3cret"));
    let lease = store.lease(NAME, &Owner::new(), HOUR).await;
    assert!(lease.unwrap_err().is_refused());
    // It is still read.
    assert_eq!(load(&store).await.unwrap().record(), b"record");

    server.command("CONFIG SET maxmemory 0");
    server.command("FLUSHALL");
    assert!(load(&store).await.is_none());
}

/// F23: what a server repeats of a command that it does not have is not shown, for a part of the
/// record is in it.
#[tokio::test]
async fn what_a_server_repeats_is_not_shown() {
    let server = Server::with(&["--rename-command", "EVALSHA", ""]);
    assert!(server.command("EVALSHA x 1 s3cret").contains("s3cret"));
    let store = server.store();
    let set = store.compare_and_set(NAME, None, b"s3cret", HOUR);
    let error = set.await.unwrap_err();
    assert!(error.is_refused());
    let shown = format!("{error} {error:?} {:?}", error.get_ref());
    assert!(!shown.contains("s3cret"), "{shown}");
}

/// F17: a key that holds something else is no record, and a hash without a version is replaced.
#[tokio::test]
async fn what_is_no_record_is_not_read() {
    let server = Server::start();
    let store = server.store();
    server.command(&format!("HSET tower-bearer:{NAME} record x"));
    assert!(load(&store).await.is_none());
    set(&store, None, b"record").await.unwrap();
    assert_eq!(load(&store).await.unwrap().record(), b"record");
    server.command(&format!("SET tower-bearer:{NAME} x"));
    assert!(store.load(NAME).await.unwrap_err().is_refused());
}

/// F18: a record from the future, as after a clock that was set back, has age 0.
#[tokio::test]
async fn a_record_from_the_future_is_new() {
    let server = Server::start();
    let store = server.store();
    set(&store, None, b"record").await.unwrap();
    server.command(&format!("HSET tower-bearer:{NAME} written 9999999999999"));
    assert_eq!(
        load(&store).await.unwrap().known_age(),
        Some(Duration::ZERO)
    );
}

/// F23: neither an error nor the store itself shows a password.
#[tokio::test]
async fn no_password_is_shown() {
    let server = Server::start();
    let url = format!("redis://:wr0ngPassw0rd@127.0.0.1:{}/", server.port);
    let store = Redis::from_url(&url).unwrap();
    let error = store.load(NAME).await.unwrap_err();
    assert!(error.is_refused(), "{error}");
    let mut shown = format!("{error} {error:?} {store:?} {:?}", server.store());
    for url in [
        "http://:s3cretPassw0rd@x/",
        "s3cretPassw0rd",
        "redis://:s3cretPassw0rd@x:y/",
    ] {
        let error = Redis::from_url(url).unwrap_err();
        shown += &format!("{error} {error:?}");
    }
    assert!(!shown.contains("Passw0rd"), "{shown}");
}

/// F16: without a runtime there is an error, and the store works in the next one, and in the one
/// after that.
#[test]
fn a_store_outlives_its_runtime() {
    let server = Server::start();
    let store = server.store();
    let outside = futures::executor::block_on(store.load(NAME));
    assert!(outside.unwrap_err().to_string().contains("runtime"));
    for record in [None, Some(&b"record"[..])] {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let found = load(&store).await;
            assert_eq!(found.as_ref().map(Stored::record), record);
            set(&store, found.as_ref(), b"record").await.unwrap();
        });
    }
}
