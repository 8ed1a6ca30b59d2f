//! One thread a processor for parsing, matching and classifying, away from the async threads. A queue of its own rather
//! than tokio's blocking pool: while there is work these threads never sleep, so handing over costs no wake-up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Handle of the threads; they end when it is dropped.
pub struct Processors {
    jobs: Sender<Job>,
}

impl Processors {
    /// Starts one thread a processor.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub fn start() -> std::io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name(format!("reading-{number}")).spawn(move || work(&queue))?;
        }
        Ok(Self { jobs })
    }

    /// Has work done and waits for it; `None` if it ended in a panic.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move || {
            if let Ok(result) = catch_unwind(AssertUnwindSafe(work)) {
                // Whoever asked may have gone away: the daemon is stopping.
                let _ = tell.send(result);
            }
        });
        self.jobs.send(job).ok()?;
        told.await.ok()
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        job();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_no_answer_and_harms_nobody_else() {
        let processors = Processors::start().unwrap();
        for _ in 0..8 {
            assert_eq!(processors.run(|| panic!("on purpose")).await, None::<()>);
        }
        assert_eq!(processors.run(|| 7).await, Some(7));
    }
}
