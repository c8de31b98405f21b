//! D5: renewals by refresh token, as a session makes them.
