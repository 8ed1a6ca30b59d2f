//! `mentiond run`.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Failure, load_and_warn};
use crate::clock::Clock;
use crate::daemon::engine::Engine;
use crate::daemon::{self, World};

pub(super) async fn run(
    config: Option<PathBuf>,
    shutdown: CancellationToken,
    reload: mpsc::Receiver<()>,
) -> Result<(), Failure> {
    let config = load_and_warn(config)?.config;
    let state = config.daemon.state.clone();
    let engine = Engine::build(config).map_err(|error| Failure::Usage(error.to_string()))?;
    engine.mailer().map_err(|error| Failure::Usage(format!("[mail]: {error}")))?;
    let world = Arc::new(World::open(&state, Clock::system())?);
    let result = daemon::run(Arc::clone(&world), engine, shutdown, reload).await;
    if let Ok(world) = Arc::try_unwrap(world).map_err(|_| ()) {
        world.store.close().await;
    }
    result.map_err(|error| Failure::Failed(error.to_string()))
}
