//! A Redis server of one's own, on a free port of loopback, to be paused, filled and killed.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tower::BoxError;

/// It ends with this value.
pub(crate) struct RedisServer {
    port: u16,
    process: Mutex<Child>,
}

impl RedisServer {
    pub(crate) fn start() -> Result<Self, BoxError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        drop(listener);
        Ok(Self {
            port,
            process: Mutex::new(spawn(port)?),
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// As a machine that loses its power: what it had is gone.
    pub(crate) fn kill(&self) -> Result<(), BoxError> {
        let mut process = self.process();
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// To be called when it was killed.
    pub(crate) fn restart(&self) -> Result<(), BoxError> {
        *self.process() = spawn(self.port)?;
        Ok(())
    }

    /// Answers nobody for so long: nor does it end that sooner.
    pub(crate) fn pause(&self, time: Duration) -> Result<(), BoxError> {
        self.command(&format!("CLIENT PAUSE {} ALL", time.as_millis()))?;
        Ok(())
    }

    /// Takes no more writes, or takes them again.
    pub(crate) fn set_full(&self, is_full: bool) -> Result<(), BoxError> {
        self.command(&format!("CONFIG SET maxmemory {}", u8::from(is_full)))?;
        Ok(())
    }

    /// Loses all that it has.
    pub(crate) fn flush(&self) -> Result<(), BoxError> {
        self.command("FLUSHALL")?;
        Ok(())
    }

    /// Returns the answer as it came.
    pub(crate) fn command(&self, command: &str) -> Result<Vec<u8>, BoxError> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut answer = vec![0; 64 * 1024];
        let read = stream.read(&mut answer)?;
        answer.truncate(read);
        match answer.first() {
            None | Some(b'-') => {
                let answer = String::from_utf8_lossy(&answer);
                Err(format!("{command}: {answer}").into())
            }
            _ => Ok(answer),
        }
    }

    fn process(&self) -> MutexGuard<'_, Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.kill();
    }
}

fn spawn(port: u16) -> Result<Child, BoxError> {
    let mut server = Command::new("redis-server");
    server.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    server.args(["--save", "", "--appendonly", "no"]);
    let server = server.stdout(Stdio::null()).spawn();
    let server = server.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            "no redis-server: install it (Debian: apt-get install redis-server)".to_owned()
        }
        _ => error.to_string(),
    })?;
    let began = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if began.elapsed() > Duration::from_secs(30) {
            return Err("redis-server does not start".into());
        }
        sleep(Duration::from_millis(5));
    }
    Ok(server)
}
