//! Whose turn it is among the machines that a pool drives.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::worker::{ByNumber, DelegationJob, SearchJob, Turn, Worker};
use crate::discovery::{Delegator, Discovery};
use crate::time::Instant;

/// The machines, and the lines in which they stand
///
/// Each stands in one, as its [`Turn`] says. A line may name some that stand in another by now: they are passed over.
#[derive(Clone, Debug)]
pub(super) struct Workers {
    all: ByNumber<Worker>,
    /// Those that may have something to say, in turn
    ready: VecDeque<u32>,
    /// Those that were told something, and move on when everybody was
    moving: Vec<u32>,
    /// Those that wait for their turn to ask DNS
    queue: VecDeque<u32>,
    /// What the last poll said to wait for, if nobody has anything to say since
    pub(super) waits: Option<Option<Instant>>,
}

impl Workers {
    pub(super) fn new() -> Self {
        Self {
            all: ByNumber::default(),
            ready: VecDeque::new(),
            moving: Vec::new(),
            queue: VecDeque::new(),
            waits: Some(None),
        }
    }

    /// How many there are
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many wait for their turn to ask DNS
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether anybody waits for that
    pub(super) fn is_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// How many may have something to say
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        self.all.contains_key(&id)
    }

    pub(super) fn get(&self, id: u32) -> Option<&Worker> {
        self.all.get(&id).map(|worker| &**worker)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Worker> {
        self.all.get_mut(&id).map(|worker| &mut **worker)
    }

    /// One that is a search
    pub(super) fn search(&mut self, id: u32) -> Option<(&Discovery, &mut SearchJob)> {
        self.get_mut(id)?.search()
    }

    /// One that does step 3 for others
    pub(super) fn delegator(&mut self, id: u32) -> Option<(&mut Delegator, &mut DelegationJob)> {
        self.get_mut(id)?.delegator()
    }

    /// Those that do step 3 for others
    pub(super) fn delegators(&mut self) -> impl Iterator<Item = (u32, &mut DelegationJob)> {
        let all = self.all.iter_mut();
        all.filter_map(|(id, worker)| Some((*id, worker.delegator()?.1)))
    }

    /// One more, which comes after the others
    pub(super) fn add(&mut self, id: u32, worker: Worker) {
        self.all.insert(id, worker.into());
        self.wake(id);
    }

    /// One more, which comes before the others
    pub(super) fn add_first(&mut self, id: u32, mut worker: Worker) {
        worker.turn = Turn::Ready;
        self.all.insert(id, worker.into());
        self.again(id);
        self.waits = None;
    }

    pub(super) fn remove(&mut self, id: u32) -> Option<Worker> {
        self.all.remove(&id).map(|worker| *worker)
    }

    /// The next that may have something to say
    pub(super) fn next(&mut self) -> Option<u32> {
        self.ready.pop_front()
    }

    /// It may have more to say, before the others
    pub(super) fn again(&mut self, id: u32) {
        self.ready.push_front(id);
    }

    /// It may have something to say
    pub(super) fn wake(&mut self, id: u32) {
        if let Some(worker) = self.all.get_mut(&id)
            && worker.turn == Turn::Idle
        {
            worker.turn = Turn::Ready;
            self.ready.push_back(id);
        }
        self.waits = None;
    }

    /// It has something to say at any rate, but for one that has yet to move on: that says it then
    pub(super) fn rouse(&mut self, id: u32) {
        if let Some(worker) = self.all.get_mut(&id)
            && worker.turn != Turn::Moving
        {
            worker.turn = Turn::Ready;
            self.ready.push_back(id);
        }
        self.waits = None;
    }

    /// It was told something, and moves on when everybody was
    pub(super) fn moves(&mut self, id: u32) {
        if let Some(worker) = self.all.get_mut(&id)
            && worker.turn != Turn::Moving
        {
            worker.turn = Turn::Moving;
            self.moving.push(id);
        }
        self.waits = None;
    }

    /// Those that were told something since this was asked last
    pub(super) fn take_moving(&mut self) -> Vec<u32> {
        mem::take(&mut self.moving)
    }

    /// Gives back the room for those that move
    pub(super) fn reuse(&mut self, mut moving: Vec<u32>) {
        moving.clear();
        self.moving = moving;
    }

    /// Lets one move on that was told something
    pub(super) fn move_on(&mut self, id: u32, now: Instant) {
        if let Some(worker) = self.all.get_mut(&id)
            && worker.turn == Turn::Moving
        {
            worker.machine.move_on(mem::take(&mut worker.news), now);
            worker.turn = Turn::Ready;
            self.ready.push_back(id);
        }
    }

    /// It waits for its turn to ask DNS
    pub(super) fn queue(&mut self, id: u32, now: Instant) {
        if let Some(worker) = self.all.get_mut(&id) {
            worker.turn = Turn::Queued;
            worker.queued.get_or_insert(now);
            self.queue.push_back(id);
        }
    }

    /// It is the turn of the next in line to ask DNS
    pub(super) fn next_in_queue(&mut self, now: Instant) {
        let Some(id) = self.queue.pop_front() else {
            return;
        };
        if let Some(worker) = self.all.get_mut(&id)
            && worker.turn == Turn::Queued
        {
            // Time has passed in line
            worker.machine.move_on(false, now);
            worker.turn = Turn::Ready;
            self.ready.push_back(id);
            // And for those who wait for it
            let since = worker.queued.take().unwrap_or(now);
            let waited = now.saturating_since(since);
            for waiter in waiters(worker) {
                self.put_off(waiter, waited);
            }
        }
    }

    /// One has waited so long for a question that was lost; and so has whoever waits for it
    pub(super) fn put_off(&mut self, id: u32, lost: Duration) {
        let Some(worker) = self.all.get_mut(&id) else {
            return;
        };
        worker.machine.put_off(lost);
        let waiters = waiters(worker);
        self.wake(id);
        for waiter in waiters {
            self.put_off(waiter, lost);
        }
    }

    /// So much time is lost to whoever drives the pool: every deadline over many actions is put off
    pub(super) fn skip(&mut self, lost: Duration, now: Instant) {
        for worker in self.all.values_mut() {
            worker.machine.skip(lost, now);
        }
        let mut ids: Vec<_> = self.all.keys().copied().collect();
        ids.sort_unstable();
        ids.into_iter().for_each(|id| self.wake(id));
    }

    /// Whoever drives the pool stood still for so long: every deadline is put off
    pub(super) fn stood_still(&mut self, lost: Duration) {
        for worker in self.all.values_mut() {
            worker.machine.stood_still(lost);
            worker.timer = worker.timer.map(|at| at + lost);
        }
        self.waits = self.waits.map(|until| until.map(|until| until + lost));
    }
}

/// Who waits for what a machine does
fn waiters(worker: &mut Worker) -> Vec<u32> {
    let job = worker.delegator().map(|(_, job)| job.waiters.clone());
    job.unwrap_or_default()
}
