//! `sweep ui`: the dashboard over a database at which nobody works; and for `sweep run --ui` beside the work.

use crate::failure::{Failure, Result};
use crate::session;
use crate::signals::Signals;
use std::net::SocketAddr;
use std::sync::Arc;
use sweep_coordinator::clock::SystemClock;
use sweep_coordinator::dispatch::{Dispatcher, Settings};
use sweep_coordinator::store::secret;
use sweep_coordinator::web::{self, Entry};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A dashboard that is being served.
pub struct Dashboard {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::result::Result<(), String>>,
}

impl Dashboard {
    /// Serves `dispatcher` at `address` to whoever has the key of the address that is shown; `admin`: to change something, too.
    ///
    /// # Errors
    /// [`Failure::Mistake`] for an address beyond this machine, or one that is taken.
    pub async fn open(db: &str, address: SocketAddr, dispatcher: Arc<Dispatcher>, admin: bool) -> Result<Dashboard> {
        if !address.ip().is_loopback() {
            return Err(Failure::Mistake(format!(
                "{address} is beyond this machine; allowed here: 127.0.0.1:PORT. `sweep coordinator --ui` serves others"
            )));
        }
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::Mistake(format!("{address} cannot be listened on: {error}; port 0 is any that is free"))
        })?;
        let address = listener.local_addr().map_err(|error| Failure::Internal(error.into()))?;
        let key = secret(16);
        crate::say!("dashboard http://{address}/enter?key={key}");
        let settings = web::Settings { tls: None, entry: Entry::Key { key, admin }, option: session::option(db) };
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(web::serve(listener, dispatcher, settings, async {
            // A sender that is gone asks for the same.
            let _ = stopped.await;
        }));
        Ok(Dashboard { stop, serving })
    }

    /// Ends it.
    pub async fn close(self) {
        let _ = self.stop.send(());
        let _ = self.serving.await;
    }
}

/// Serves the database `db` until told to stop.
///
/// # Errors
/// A database that is not there or that another process has; an address of no use.
pub async fn run(db: &str, address: SocketAddr) -> Result {
    let mut signals = Signals::new()?;
    // To look is allowed beside a process that works; to change is not, and is said so.
    let (store, admin) = match session::changing(db).await {
        Ok(store) => (store, true),
        Err(Failure::Mistake(why)) => {
            let store = session::reading(db).await?;
            crate::say!("looking only: {why}");
            (store, false)
        }
        Err(other) => return Err(other),
    };
    let dispatcher = Dispatcher::open_with(store.clone(), Arc::new(SystemClock), Settings::cluster()).await?;
    let dashboard = Dashboard::open(db, address, Arc::new(dispatcher), admin).await?;
    signals.next().await;
    dashboard.close().await;
    store.close().await;
    Ok(())
}
