//! Arguments in, signals to a shutdown token and a reload channel, exit code out.

use std::process::ExitCode;

use clap::Parser;
use mentiond::cli::{self, Cli};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let arguments = Cli::parse();
    // One async thread: it waits most of the time. Whatever computes has threads of its own (`daemon::processors`), and
    // between tasks on one thread a wake-up costs nothing.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("mentiond: the operating system gives no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let (reload, reloads) = mpsc::channel(1);
        let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
        if let (Ok(terminate), Ok(interrupt), Ok(hangup)) = signals {
            tokio::spawn(listen(terminate, interrupt, hangup, shutdown.clone(), reload));
        }
        cli::execute(arguments, shutdown, reloads).await
    })
}

async fn listen(
    mut terminate: Signal,
    mut interrupt: Signal,
    mut hangup: Signal,
    shutdown: CancellationToken,
    reload: mpsc::Sender<()>,
) {
    loop {
        tokio::select! {
            _ = terminate.recv() => shutdown.cancel(),
            _ = interrupt.recv() => {
                // A second one means now.
                if shutdown.is_cancelled() {
                    std::process::exit(130);
                }
                shutdown.cancel();
            }
            _ = hangup.recv() => { let _ = reload.try_send(()); }
        }
    }
}
