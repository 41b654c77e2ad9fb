//! Every fault that a database can have, end to end and under load: what callers
//! are told while it lasts, and that all is well again soon after it.

mod administrator;
mod full;
mod killed;
mod moved;
mod stopped;
mod trial;
