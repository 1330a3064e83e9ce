//! The dashboard: pages that a browser shows, live where scripts run and whole where they do not.
//!
//! Two rules. A page only asks the dispatcher, the store and [`crate::figure`], as the calls of `service` do. And nothing that
//! somebody wrote is trusted: names are escaped by the templates and by the pictures, changes need the role admin and the
//! session's own word (CSRF), and a page may load nothing from elsewhere (`default-src 'self'`).
//!
//! | file | idea |
//! |---|---|
//! | `server` | connections: limits, TLS, the end |
//! | `entry` | who is let in: a token or the key of the printed address, a cookie, the word against forged forms |
//! | `site` | what all pages share; costs |
//! | `pages/` | one file a page, its text in `coordinator/templates/` |
//! | `live` | what changes is sent to the page (server-sent events) |
//! | `report` | a sweep as one file that stands alone |
//! | `assets/` | style, one script, fonts: in the binary |

mod entry;
mod live;
mod pages;
mod report;
mod server;
mod site;

pub use entry::Entry;
pub use report::report;
pub use server::{Settings, serve};
