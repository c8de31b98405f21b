//! `store::File`, on a real disk and in real time: between processes, and within one.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use tokio::runtime::Runtime;
use tower_bearer::store::{File, Owner, Stored, TokenStore};
use tower_bearer::testing::check_store;

const HOUR: Duration = Duration::from_secs(3600);
const NAME: &str = "0123456789abcdef";

/// Where the other process of a test finds its store.
const DIRECTORY: &str = "TOWER_BEARER_TEST_DIRECTORY";

/// Removed at the end of a test.
struct Directory(PathBuf);

impl Directory {
    /// One that is not there yet.
    fn new(test: &str) -> Self {
        let name = format!("store-{test}-{}", process::id());
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    fn store(&self) -> File {
        File::in_dir(&self.0)
    }

    fn path(&self, extension: &str) -> PathBuf {
        self.0.join(format!("{NAME}.{extension}"))
    }

    fn mode(&self, extension: &str) -> u32 {
        mode(&self.path(extension))
    }

    /// Runs one of the ignored tests below, as another process.
    fn process(&self, test: &str) -> Child {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", test, "--ignored", "--nocapture"]);
        command.env(DIRECTORY, &self.0).stdout(Stdio::piped());
        command.spawn().unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn of_the_parent() -> File {
    File::in_dir(env::var(DIRECTORY).unwrap())
}

async fn set(store: &File, before: Option<&Stored>, record: &[u8]) -> bool {
    let before = before.map(Stored::version);
    let set = store.compare_and_set(NAME, before, record, HOUR);
    set.await.unwrap().is_some()
}

async fn load(store: &File) -> Option<Stored> {
    store.load(NAME).await.unwrap()
}

/// F4, F5, F21: a directory is a store.
#[tokio::test]
async fn a_directory_is_a_store() {
    let directory = Directory::new("check");
    check_store(directory.store()).await.unwrap();
}

/// F21: nobody else may read the files, nor the directory, which is made when something is
/// written.
#[tokio::test]
async fn nobody_else_may_read_it() {
    let directory = Directory::new("modes");
    let store = directory.store();
    assert!(load(&store).await.is_none());
    assert!(!directory.0.exists());

    assert!(set(&store, None, b"record").await);
    assert!(store.lease(NAME, &Owner::new(), HOUR).await.unwrap());
    assert_eq!(mode(&directory.0), 0o700);
    for extension in ["record", "lease", "write"] {
        assert_eq!(directory.mode(extension), 0o600, "{extension}");
    }
    assert_eq!(fs::read(directory.path("record")).unwrap(), b"record");
    assert!(!directory.path("next").exists());
}

/// F17, F21: a record that others may read is not read, and is replaced.
#[tokio::test]
async fn a_record_that_others_may_read_is_replaced() {
    let directory = Directory::new("readable");
    let store = directory.store();
    for mode in [0o644, 0o640, 0o604, 0o620] {
        let before = load(&store).await;
        assert!(set(&store, before.as_ref(), b"record").await);
        let readable = fs::Permissions::from_mode(mode);
        fs::set_permissions(directory.path("record"), readable).unwrap();
        assert!(load(&store).await.is_none(), "{mode:o}");
        // Nor does it matter what a crash left behind.
        fs::write(directory.path("next"), "torn").unwrap();
        assert!(set(&store, None, b"another").await);
        assert_eq!(directory.mode("record"), 0o600);
        assert_eq!(load(&store).await.unwrap().record(), b"another");
    }
}

/// F21: a directory that others may write to is refused, since they could put a record there.
#[tokio::test]
async fn a_directory_that_others_may_write_to_is_refused() {
    let directory = Directory::new("writable");
    let store = directory.store();
    assert!(set(&store, None, b"record").await);
    fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o770)).unwrap();
    let error = store.load(NAME).await.unwrap_err();
    assert!(error.is_refused());
    let told = error.to_string();
    assert!(told.contains("chmod 700"), "{told}");
    let error = store.lease(NAME, &Owner::new(), HOUR).await.unwrap_err();
    assert!(error.is_refused());

    // To be read is no harm.
    fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(load(&store).await.unwrap().record(), b"record");
}

/// F16, F23: an error says which file, and what is wrong with it; and no name leads out of the
/// directory.
#[tokio::test]
async fn an_error_says_which_file() {
    let directory = Directory::new("errors");
    fs::write(&directory.0, "a file").unwrap();
    let store = directory.store();
    let set = store.compare_and_set(NAME, None, b"s3cret", HOUR);
    let told = set.await.unwrap_err().to_string();
    let path = directory.0.display().to_string();
    assert!(told.contains(&path) && !told.contains("s3cret"), "{told}");
    fs::remove_file(&directory.0).unwrap();

    for name in ["", "../x", "a/b", "A", "a.b", &"a".repeat(101)] {
        let error = store.load(name).await.unwrap_err();
        assert!(error.is_refused(), "{name}");
    }
}

/// F18: a record whose file is from the future has age 0.
#[tokio::test]
async fn a_file_from_the_future_is_new() {
    let directory = Directory::new("future");
    let store = directory.store();
    assert!(set(&store, None, b"record").await);
    let file = fs::File::open(directory.path("record")).unwrap();
    let now = std::time::SystemTime::now();
    file.set_modified(now + HOUR).unwrap();
    assert_eq!(
        load(&store).await.unwrap().known_age(),
        Some(Duration::ZERO)
    );
    file.set_modified(now - HOUR).unwrap();
    assert!(load(&store).await.unwrap().known_age().unwrap() >= HOUR);
}

/// F5: a lease is of one store only, ends with that store, and its file stays.
#[tokio::test]
async fn a_lease_ends_with_its_store() {
    let directory = Directory::new("lease");
    let (store, other) = (directory.store(), directory.store());
    let (owner, rival) = (Owner::new(), Owner::new());
    assert!(store.lease(NAME, &owner, HOUR).await.unwrap());
    assert!(!other.lease(NAME, &rival, HOUR).await.unwrap());
    assert!(!store.clone().lease(NAME, &rival, HOUR).await.unwrap());
    drop(store);
    assert!(other.lease(NAME, &rival, HOUR).await.unwrap());
    other.release(NAME, &rival).await.unwrap();
    assert!(directory.path("lease").exists());
}

/// F5: a lease in a directory that was removed is not extended if another has it in the new one.
#[tokio::test]
async fn a_removed_directory_ends_a_lease() {
    let directory = Directory::new("removed");
    let (store, other) = (directory.store(), directory.store());
    let (owner, rival) = (Owner::new(), Owner::new());
    assert!(store.lease(NAME, &owner, HOUR).await.unwrap());
    fs::remove_dir_all(&directory.0).unwrap();
    assert!(store.lease(NAME, &owner, HOUR).await.unwrap());
    assert!(!other.lease(NAME, &rival, HOUR).await.unwrap());
    fs::remove_dir_all(&directory.0).unwrap();
    assert!(other.lease(NAME, &rival, HOUR).await.unwrap());
    assert!(!store.lease(NAME, &owner, HOUR).await.unwrap());
}

/// F5, F24: a lease whose future was dropped half-way is nobody's.
#[tokio::test]
async fn a_lease_that_nobody_heard_of_is_given_back() {
    let directory = Directory::new("dropped");
    let (store, other) = (directory.store(), directory.store());
    let owner = Owner::new();
    let mut dropped = 0;
    while dropped < 20 {
        let lease = Box::pin(store.lease(NAME, &owner, HOUR));
        // The first poll starts the thread, which seldom ends before it.
        match futures::FutureExt::now_or_never(lease) {
            Some(_) => store.release(NAME, &owner).await.unwrap(),
            None => dropped += 1,
        }
    }
    let rival = Owner::new();
    let began = Instant::now();
    while !other.lease(NAME, &rival, HOUR).await.unwrap() {
        assert!(began.elapsed() < Duration::from_secs(10), "it is kept");
        thread::sleep(Duration::from_millis(1));
    }
}

/// F5: the lease of a process that is killed is free at once.
#[tokio::test]
async fn a_killed_process_has_no_lease() {
    let directory = Directory::new("killed");
    let store = directory.store();
    let mut holder = directory.process("file::holds_a_lease");
    let mut told = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("held")));

    let owner = Owner::new();
    assert!(!store.lease(NAME, &owner, HOUR).await.unwrap());
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(store.lease(NAME, &owner, HOUR).await.unwrap());
}

#[tokio::test]
#[ignore = "another process of a test"]
async fn holds_a_lease() {
    let store = of_the_parent();
    assert!(store.lease(NAME, &Owner::new(), HOUR).await.unwrap());
    println!("held");
    thread::sleep(HOUR);
}

/// F4: four processes that write at a time lose no update.
#[tokio::test]
async fn processes_lose_no_update() {
    let directory = Directory::new("updates");
    let processes: Vec<_> = (0..4)
        .map(|_| directory.process("file::counts_to_25"))
        .collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let count = load(&directory.store()).await.unwrap();
    assert_eq!(count.record(), b"100");
}

#[tokio::test]
#[ignore = "another process of a test"]
async fn counts_to_25() {
    let store = of_the_parent();
    let mut counted = 0;
    while counted < 25 {
        let before = load(&store).await;
        let count: u32 = before.as_ref().map_or(0, |before| {
            std::str::from_utf8(before.record())
                .unwrap()
                .parse()
                .unwrap()
        });
        let next = (count + 1).to_string();
        counted += u32::from(set(&store, before.as_ref(), next.as_bytes()).await);
    }
}

/// F21: neither a runtime nor its shutdown waits for a file system that hangs.
#[test]
fn a_hanging_file_holds_up_no_shutdown() {
    let directory = Directory::new("hanging");
    let (done, is_done) = mpsc::channel();
    let runtime = Runtime::new().unwrap();
    let store = directory.store();
    assert!(runtime.block_on(set(&store, None, b"record")));
    let fifo = directory.path("record");
    fs::remove_file(&fifo).unwrap();
    // Opened for reading, it waits for one who writes.
    let made = Command::new("mkfifo").arg("-m600").arg(&fifo).status();
    assert!(made.unwrap().success());

    let hanging = thread::spawn(move || {
        let load = runtime.block_on(async {
            let limit = Duration::from_millis(200);
            tokio::time::timeout(limit, store.load(NAME)).await
        });
        assert!(load.is_err(), "it does not hang");
        drop(runtime);
        done.send(()).unwrap();
    });
    let shut_down = is_done.recv_timeout(Duration::from_secs(30));
    // Lets the thread go.
    fs::write(&fifo, "").unwrap();
    shut_down.expect("the shutdown waits");
    hanging.join().unwrap();
}
