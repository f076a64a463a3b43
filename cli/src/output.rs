//! Results, written on a thread of their own.
//!
//! A reader may pause for as long as it likes (a pager, a terminal that is held). If searches waited for it, their
//! deadlines would pass; so nothing but this thread waits, and names are begun only as long as there is a place
//! for their results.

use std::convert::Infallible;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use indicatif::{ProgressBar, ProgressStyle};
use smol::channel;
use smol::lock::{Semaphore, SemaphoreGuardArc};

use crate::args::Format;
use crate::failure::{Failure, complain};
use crate::json;
use crate::names::Given;
use crate::report::Report;
use crate::svg::Picture;
use crate::text::Block;

/// Where results go
pub(crate) struct Output {
    sender: mpsc::Sender<Entry>,
    places: Arc<Semaphore>,
    /// Closed once nothing will be written any more
    ended: channel::Receiver<Infallible>,
    writer: JoinHandle<io::Result<()>>,
}

impl Output {
    /// With so many results under way or waiting to be written, at most
    pub(crate) fn start(
        format: Format,
        places: usize,
        progress: ProgressBar,
    ) -> Result<Self, Failure> {
        let (sender, entries) = mpsc::channel();
        let (alive, ended) = channel::bounded(1);
        let writer = thread::Builder::new()
            .spawn(move || {
                let result = write_all(format, &entries, &progress);
                progress.finish_and_clear();
                drop(alive);
                result
            })
            .map_err(Failure::thread)?;
        Ok(Self {
            sender,
            places: Arc::new(Semaphore::new(places)),
            ended,
            writer,
        })
    }

    /// A place for one result, as soon as there is one
    pub(crate) async fn place(&self) -> Place {
        Place {
            sender: self.sender.clone(),
            guard: self.places.acquire_arc().await,
        }
    }

    /// Waits until nothing will be written any more because the reader has gone, or cannot be written
    pub(crate) async fn ended(&self) {
        // The error is that the writer has dropped its end, and there is nothing else to receive
        let _ = self.ended.recv().await;
    }

    /// Waits until all is written
    pub(crate) async fn finish(self) -> io::Result<()> {
        drop(self.sender);
        // As long as the reader likes: without holding up whoever waits for something else meanwhile
        let _ = self.ended.recv().await;
        match self.writer.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// The right to have one result written
pub(crate) struct Place {
    sender: mpsc::Sender<Entry>,
    guard: SemaphoreGuardArc,
}

impl Place {
    pub(crate) fn write(self, given: Given, report: Report) {
        // Where nobody writes any more, `Output::ended` has told so
        let _ = self.sender.send(Entry {
            given,
            report,
            _guard: self.guard,
        });
    }
}

/// One result, in its place
struct Entry {
    given: Given,
    report: Report,
    _guard: SemaphoreGuardArc,
}

/// A bar on standard error, if that is a terminal and there is something to count
pub(crate) fn progress(count: Option<usize>) -> ProgressBar {
    let (bar, template) = match count {
        Some(0 | 1) => return ProgressBar::hidden(),
        Some(count) => (
            ProgressBar::new(count as u64),
            "{wide_bar} {pos}/{len} {eta}",
        ),
        // Whoever types the names sees what becomes of them
        None if io::stdin().is_terminal() => return ProgressBar::hidden(),
        None => (ProgressBar::no_length(), "{pos} names"),
    };
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn write_all(
    format: Format,
    entries: &mpsc::Receiver<Entry>,
    progress: &ProgressBar,
) -> io::Result<()> {
    for entry in entries {
        progress.suspend(|| write(format, &entry))?;
        progress.inc(1);
    }
    Ok(())
}

fn write(format: Format, Entry { given, report, .. }: &Entry) -> io::Result<()> {
    if let (true, Err(error)) = (given.argument, &given.parsed) {
        complain(&format!("{:?}: {error}", given.text));
    }
    match format {
        // There is nothing left that a terminal would obey, and nothing may be lost
        Format::Json => io::stdout().write_all(&json::line(report)?),
        // A bad name on the command line has had its line on standard error
        Format::Text if given.argument && given.parsed.is_err() => Ok(()),
        Format::Svg => write!(io::stdout(), "{}", Picture(report)),
        Format::Text => {
            let name = &given.text;
            write!(anstream::stdout().lock(), "{}", Block { name, report })
        }
    }
}
