//! What the service sends again by itself, how it waits for a database that is
//! gone, and what it tells of both.

mod attempts;
mod outages;
mod start;
