//! A store in memory, and a check of stores.

mod check;
mod driver;
mod fault;
mod memory;
mod state;

pub use self::check::check_store;
pub use self::fault::{BrokenStore, StoreFault};
pub use self::memory::Memory;
pub use self::state::{StoreCounts, StoreOperation, StoreTrouble};
