//! The name of this machine, for people who read a record.

use std::sync::OnceLock;
use std::{env, fs};

const MOST_CHARS: usize = 64;

pub(super) fn host() -> &'static str {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| {
        let told = fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let told = told.or_else(|| env::var("COMPUTERNAME").ok());
        let told = told.or_else(|| env::var("HOSTNAME").ok());
        told.unwrap_or_default()
            .trim()
            .chars()
            .take(MOST_CHARS)
            .collect()
    })
}
