//! Threads for the sinks of events and for the listeners by which events come in. A storm of events, and a
//! receiver for which thousands wait, must not keep checks, commands and the refreshing of keys from the
//! processors.

use std::{io, panic::resume_unwind, thread};

use tokio::{
    runtime::Builder,
    sync::oneshot,
    task::{JoinError, JoinSet},
};

use super::tasks::spawn;

/// The thread gets as much less of a busy processor as a program that was started by `nice`.
const NICER: i32 = 10;
/// The least priority.
const NICEST: i32 = 19;

/// Runs tasks on a thread of this name, with a runtime of its own, until all of them have ended. A task of
/// `tasks` ends with them, and fails if one of them does.
///
/// # Errors
///
/// Fails where the system starts no more threads.
pub(super) fn run_apart(
    tasks: &mut JoinSet<()>,
    name: &str,
    work: Vec<impl Future<Output = ()> + Send + 'static>,
) -> io::Result<()> {
    let (tell, told) = oneshot::channel();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the drain waits for the task that waits for it"
    )]
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        give_way();
        let ended = runtime.block_on(all(work));
        // Work on files is waited for by its runner.
        runtime.shutdown_background();
        let _ = tell.send(ended);
    })?;
    spawn(tasks, async move {
        match told.await {
            Ok(Ok(())) => {}
            Ok(Err(failed)) => fail(failed),
            // The thread itself has panicked.
            Err(gone) => resume_unwind(Box::new(gone.to_string())),
        }
    });
    Ok(())
}

/// Lowers the priority of this thread, and of those that it will start. They work without as well.
fn give_way() {
    let own = rustix::process::getpriority_process(None).unwrap_or_default();
    let _ = rustix::process::setpriority_process(None, (own + NICER).min(NICEST));
}

async fn all(work: Vec<impl Future<Output = ()> + Send + 'static>) -> Result<(), JoinError> {
    let mut running = JoinSet::new();
    for task in work {
        spawn(&mut running, task);
    }
    while let Some(ended) = running.join_next().await {
        ended?;
    }
    Ok(())
}

fn fail(error: JoinError) {
    if let Ok(panic) = error.try_into_panic() {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use tokio::task::JoinSet;

    use super::{NICER, NICEST, run_apart};

    #[tokio::test]
    async fn the_tasks_run_on_a_thread_that_gives_way_and_end_with_it() {
        let caller = thread::current().id();
        let own = rustix::process::getpriority_process(None).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let mut tasks = JoinSet::new();
        let task = async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let nice = rustix::process::getpriority_process(None).unwrap();
            tell.send((thread::current().id(), nice)).unwrap();
        };
        run_apart(&mut tasks, "test", vec![task]).unwrap();
        tasks.join_next().await.unwrap().unwrap();
        let (ran_on, nice) = told.recv().unwrap();
        assert_ne!(ran_on, caller);
        assert_eq!(nice, (own + NICER).min(NICEST));
        assert_eq!(rustix::process::getpriority_process(None).unwrap(), own, "of the thread alone");
    }

    #[tokio::test]
    async fn a_task_that_panics_fails_the_one_that_waits() {
        let mut tasks = JoinSet::new();
        run_apart(&mut tasks, "test", vec![async { panic!("on purpose") }]).unwrap();
        assert!(tasks.join_next().await.unwrap().unwrap_err().is_panic());
    }
}
