//! A session that shares no store.

use super::Model;
use crate::session::state::model::Text;
use crate::session::state::token::LoginId;

impl Model {
    pub(super) fn fetch(&mut self, _: LoginId) {}

    pub(super) fn adopt(&mut self, _: Text, _: u8) {}

    pub(super) fn told(&mut self, _: u8) {}

    pub(super) fn find_nothing(&mut self) {}
}
