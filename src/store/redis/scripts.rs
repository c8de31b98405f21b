//! What Redis does in one step.
//!
//! A record is a hash of `record`, `version` and `written`, the server's time in ms. A lease is the
//! text of its owner. An empty version means no record.

use redis::Script;

pub(super) struct Scripts {
    pub(super) load: Script,
    pub(super) set: Script,
    pub(super) remove: Script,
    pub(super) lease: Script,
    pub(super) release: Script,
}

const LOAD: &str = r"
local found = redis.call('HMGET', KEYS[1], 'record', 'version', 'written')
if not (found[1] and found[2] and found[3]) then return false end
local time = redis.call('TIME')
local age = time[1] * 1000 + math.floor(time[2] / 1000) - found[3]
return {found[1], found[2], math.max(age, 0)}
";

const SET: &str = r"
local version = redis.call('HGET', KEYS[1], 'version') or ''
if version ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[1], 'record', ARGV[2], 'version', ARGV[3], 'written', now)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
";

const REMOVE: &str = r"
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
";

const LEASE: &str = r"
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
";

const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
";

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            load: Script::new(LOAD),
            set: Script::new(SET),
            remove: Script::new(REMOVE),
            lease: Script::new(LEASE),
            release: Script::new(RELEASE),
        }
    }
}
