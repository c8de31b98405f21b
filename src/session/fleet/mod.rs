//! A session that shares its token with other processes, through a store: their token is adopted,
//! or one of them logs in for all.

mod login;
mod newest;
mod runner;
mod shared;

pub(super) use self::login::{Ending, FleetLogin};
pub(super) use self::shared::Fleet;
