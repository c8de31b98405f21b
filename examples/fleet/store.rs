//! Where the fleet keeps its token. What it makes for that is gone at the end.

use std::path::PathBuf;
use std::{env, fs, process};

use tower::BoxError;

#[cfg(feature = "store-redis")]
use super::redis::RedisServer;

pub(crate) enum Store {
    /// One directory for each scene in this one.
    File(Directory),
    #[cfg(feature = "store-redis")]
    Redis(RedisServer),
    /// A server of somebody else's.
    Url(String),
}

pub(crate) struct Directory(PathBuf);

impl Store {
    pub(crate) fn new(store: &str) -> Result<Self, BoxError> {
        match store {
            "file" => {
                let name = format!("tower-bearer-fleet-{}", process::id());
                Ok(Self::File(Directory(env::temp_dir().join(name))))
            }
            #[cfg(feature = "store-redis")]
            "redis" => Ok(Self::Redis(RedisServer::start()?)),
            url if cfg!(feature = "store-redis") => Ok(Self::Url(url.to_owned())),
            _ => Err("this needs `--features store-redis`".into()),
        }
    }

    /// Where a scene has its record: a directory or a URL.
    pub(crate) fn at(&self, scene: &str) -> String {
        match self {
            Self::File(directory) => directory.of(scene).display().to_string(),
            #[cfg(feature = "store-redis")]
            Self::Redis(server) => server.url(),
            Self::Url(url) => url.clone(),
        }
    }

    /// The record as it is there, or what tells it from others. `None`: this process cannot look.
    pub(crate) fn record(&self, scene: &str) -> Result<Option<Vec<u8>>, BoxError> {
        match self {
            Self::File(directory) => directory.record(scene),
            #[cfg(feature = "store-redis")]
            Self::Redis(server) => {
                // One hash for each scene.
                let dump = "local all = {} \
                    for _, key in ipairs(redis.call('KEYS', '*')) do \
                    if redis.call('TYPE', key).ok == 'hash' then \
                    all[#all + 1] = redis.call('HGET', key, 'version') end end \
                    table.sort(all) return table.concat(all, ' ')";
                server.command(&format!("EVAL \"{dump}\" 0")).map(Some)
            }
            Self::Url(_) => Ok(None),
        }
    }
}

impl Directory {
    pub(crate) fn of(&self, scene: &str) -> PathBuf {
        self.0.join(scene.replace(' ', "-"))
    }

    fn record(&self, scene: &str) -> Result<Option<Vec<u8>>, BoxError> {
        for entry in fs::read_dir(self.of(scene))? {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == "record") {
                return Ok(Some(fs::read(path)?));
            }
        }
        Err("there is no record".into())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // It was not made if nobody came so far.
        let _ = fs::remove_dir_all(&self.0);
    }
}
