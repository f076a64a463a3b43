//! Small worlds, in every order: answers and timeouts come as they like, stale and repeated ones at any moment.
//!
//! A depth-first search over cloned machines, with states folded that look the same (machine, open actions, time).
//! From each state, every open action may be answered, or the next timeout may come. In each state besides, every
//! reply that must not count is tried, and must leave the machine as it is: so every order that has it is covered.
//!
//! Where answers come [in time](Timing::InTime), and only the timers of a race run out, the outcome is the text's,
//! save which of a target's addresses wins. Where [any](Timing::Any) deadline may pass first, it is what the text says
//! of the world with some of its replies silenced; or the search has taken too long.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use fedway_core::{
    Absence, Action, ActionId, Answer, ConnectError, Discovery, Edition, Event, HttpAnswer,
    Instant, Lookahead, Machine, Step,
};
use fedway_proof::oracle::{World, ask};
use fedway_testkit::script::{Goal, Reply, Script};

use crate::end::End;
use crate::small::{silenced, small_worlds, wide_worlds};

#[test]
fn answers_in_any_order_lead_where_the_text_does() {
    explore_all(Timing::InTime);
}

#[test]
fn answers_and_timeouts_in_any_order_lead_where_the_text_does_without_some_answers() {
    explore_all(Timing::Any);
}

fn explore_all(timing: Timing) {
    let (mut states, mut paths, mut searches) = (0, 0, 0);
    let (mut longest, mut most) = (0, 0);
    let wide = match timing {
        Timing::Any => Vec::new(),
        Timing::InTime => wide_worlds(),
    };
    for (title, world) in small_worlds().into_iter().chain(wide) {
        for edition in Edition::ALL {
            for goal in Goal::ALL {
                let ends = ends(&world, edition, goal, timing);
                for lookahead in [Lookahead::Dns, Lookahead::None] {
                    let what = format!("{title}: {edition} {goal:?} {lookahead:?} {timing:?}");
                    let mut explorer = Explorer {
                        world: &world,
                        timing,
                        ends: &ends,
                        what: &what,
                        seen: HashMap::new(),
                        longest: 0,
                        most: 0,
                    };
                    let machine = world.script(edition, goal, lookahead);
                    let machine = limit(machine, timing).start();
                    paths += explorer.visit(&State::new(machine), &mut Vec::new());
                    states += explorer.seen.len();
                    searches += 1;
                    longest = longest.max(explorer.longest);
                    most = most.max(explorer.most);
                }
            }
        }
    }
    println!(
        "{timing:?}: {searches} searches, {states} states, {paths} paths, \
         at most {most} actions in flight and {longest} moves"
    );
    let least = match timing {
        Timing::Any => 4,
        Timing::InTime => 7,
    };
    assert!(
        most >= least,
        "the worlds are too small: {most} actions in flight"
    );
}

/// Which timeouts may come
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timing {
    /// Any
    Any,
    /// Those of a race, and those of what never answers
    InTime,
}

/// The usual deadlines, where they may pass
fn limit(script: Script, timing: Timing) -> Script {
    match timing {
        Timing::Any => script.config(|config| config.deadlines = Default::default()),
        Timing::InTime => script,
    }
}

/// The stated set of outcomes
fn ends(world: &World, edition: Edition, goal: Goal, timing: Timing) -> BTreeSet<End> {
    let readings = match timing {
        Timing::Any => silenced(world, edition, goal),
        Timing::InTime => vec![ask(edition, goal, world, &[])],
    };
    let mut ends = BTreeSet::new();
    for reading in readings {
        ends.insert(End::read(&reading, goal));
    }
    ends
}

/// A machine that has been polled until it waits, and what is open around it
#[derive(Clone)]
struct State {
    machine: Discovery,
    now: Instant,
    until: Option<Instant>,
    open: Vec<Open>,
    /// Replies that must not count any more
    stale: Vec<Event>,
    ids: BTreeSet<ActionId>,
    ended: Option<End>,
}

#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) id: ActionId,
    pub(crate) deadline: Instant,
    /// What will be said; a reply that never comes is said when it is too late
    pub(crate) event: Event,
    pub(crate) answers: bool,
}

impl State {
    fn new(machine: Discovery) -> Self {
        Self {
            machine,
            now: Instant::ORIGIN,
            until: None,
            open: Vec::new(),
            stale: Vec::new(),
            ids: BTreeSet::new(),
            ended: None,
        }
    }

    /// Polls until the machine waits
    fn drain(&mut self, world: &World, goal: Goal, what: &str) {
        loop {
            match self.machine.poll() {
                Step::Act(action) => {
                    assert!(self.ended.is_none(), "{what}: an action after the end");
                    assert!(self.ids.insert(action.id()), "{what}: an id used twice");
                    self.open.push(open(action, world));
                }
                Step::Cancel(id) => {
                    assert!(
                        self.ids.contains(&id),
                        "{what}: cancels what it never asked for"
                    );
                    let (gone, open) = std::mem::take(&mut self.open)
                        .into_iter()
                        .partition(|it| it.id == id);
                    self.open = open;
                    let gone: Vec<Open> = gone;
                    self.stale.extend(gone.into_iter().map(|it| it.event));
                }
                Step::Done(outcome) => {
                    assert!(self.ended.is_none(), "{what}: ends twice");
                    self.ended = Some(End::of(&outcome, goal));
                }
                Step::Wait { until } => {
                    let is_over = self.ended.is_some();
                    assert_eq!(until.is_none(), is_over, "{what}: what it waits for");
                    assert!(
                        until.is_none_or(|until| until > self.now),
                        "{what}: a deadline passed"
                    );
                    assert!(
                        !is_over || self.open.is_empty(),
                        "{what}: left open: {:?}",
                        self.open
                    );
                    self.until = until;
                    return;
                }
            }
        }
    }

    fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        format!("{} {:?} {:?}", looks(&self.machine), self.open, self.now).hash(&mut hasher);
        hasher.finish()
    }
}

struct Explorer<'a> {
    world: &'a World,
    timing: Timing,
    ends: &'a BTreeSet<End>,
    what: &'a str,
    /// States visited, and how many paths lead from each to an end
    seen: HashMap<u64, u128>,
    longest: usize,
    most: usize,
}

impl Explorer<'_> {
    /// How many paths lead from here to an end
    fn visit(&mut self, state: &State, moves: &mut Vec<String>) -> u128 {
        let mut state = state.clone();
        let goal = if self.what.contains("Connect") {
            Goal::Connect
        } else {
            Goal::Resolve
        };
        state.drain(self.world, goal, self.what);
        let key = state.key();
        if let Some(paths) = self.seen.get(&key) {
            return *paths;
        }
        self.longest = self.longest.max(moves.len());
        self.most = self.most.max(state.open.len());
        assert!(
            moves.len() < MOST_MOVES,
            "{}: no end in sight: {moves:#?}",
            self.what
        );
        self.what_is_stale_changes_nothing(&state, moves);
        let mut paths = 0;
        if let Some(end) = &state.ended {
            let is_stated =
                self.ends.contains(end) || (self.timing == Timing::Any && end.0 == "TimedOut");
            assert!(
                is_stated,
                "{}: {end:?}\nnot in {:#?}\nafter {moves:#?}",
                self.what, self.ends
            );
            paths = 1;
        }
        for index in 0..state.open.len() {
            if state.open[index].answers {
                let mut next = state.clone();
                let open = next.open.remove(index);
                moves.push(format!("{} {:?}", state.now, open.event));
                next.machine.handle(open.event.clone(), state.now);
                next.stale.push(open.event);
                paths += self.visit(&next, moves);
                moves.pop();
            }
        }
        if let Some(until) = state.until
            && self.may_pass(&state, until)
        {
            let mut next = state.clone();
            next.now = until;
            moves.push(format!("{until} timeout"));
            next.machine.handle_timeout(until);
            paths += self.visit(&next, moves);
            moves.pop();
        }
        self.seen.insert(key, paths);
        paths
    }

    fn may_pass(&self, state: &State, until: Instant) -> bool {
        let too_late = |it: &Open| it.answers && it.deadline <= until;
        self.timing == Timing::Any || !state.open.iter().any(too_late)
    }

    /// Replies to what is over, early timeouts and a clock that goes back; and a reply on its deadline is too late
    fn what_is_stale_changes_nothing(&self, state: &State, moves: &[String]) {
        let before = looks(&state.machine);
        let same = |machine: &Discovery, why: &dyn Debug| {
            let after = looks(machine);
            assert_eq!(
                before, after,
                "{}: {why:?} changes something after {moves:#?}",
                self.what
            );
        };
        for event in &state.stale {
            let mut machine = state.machine.clone();
            machine.handle(event.clone(), Instant::ORIGIN);
            same(&machine, event);
        }
        let mut machine = state.machine.clone();
        machine.handle_timeout(Instant::ORIGIN);
        machine.handle_timeout(state.now);
        same(&machine, &"an early timeout");
        for open in &state.open {
            if state.until == Some(open.deadline) {
                let (mut late, mut silent) = (state.machine.clone(), state.machine.clone());
                late.handle(open.event.clone(), open.deadline);
                silent.handle_timeout(open.deadline);
                let (late, silent) = (looks(&late), looks(&silent));
                assert_eq!(
                    late, silent,
                    "{}: {open:?} is too late after {moves:#?}",
                    self.what
                );
            }
        }
    }
}

/// All there is in a machine, save a mark that only means something while it moves
fn looks(machine: &Discovery) -> String {
    let text = format!("{machine:?}");
    text.replace(", wanted: true", "")
        .replace(", wanted: false", "")
}

/// An action, and what the world will say to it
pub(crate) fn open(action: Action, world: &World) -> Open {
    let id = action.id();
    let answers = &world.answers;
    let (deadline, event, replies) = match action {
        Action::Connect(connect) => {
            let peer = answers.peers.get(&connect.address());
            let says = peer.map_or(Some(Err(ConnectError::Refused)), |peer| {
                peer.reply.says.clone()
            });
            let replies = says.is_some();
            (
                connect.deadline(),
                connect.reply(says.unwrap_or(Ok(())).map(|()| None)),
                replies,
            )
        }
        Action::FetchWellKnown(fetch) => {
            let url = format!("https://{}{}", fetch.host_header(), fetch.target());
            let otherwise = HttpAnswer::status(404);
            let (replies, says) = told(answers.pages.get(&url), Ok(otherwise));
            (fetch.deadline(), fetch.reply(says), replies)
        }
        Action::LookUpAddresses(look_up) => {
            let key = (look_up.host().clone(), look_up.family());
            let (replies, says) = told(answers.addresses.get(&key), Ok(absent()));
            (look_up.deadline(), look_up.reply(says), replies)
        }
        Action::QuerySrv(query) => {
            let (replies, says) = told(answers.services.get(query.name()), Ok(absent()));
            (query.deadline(), query.reply(says), replies)
        }
    };
    Open {
        id,
        deadline,
        event,
        answers: replies,
    }
}

fn told<T: Clone>(reply: Option<&Reply<T>>, otherwise: T) -> (bool, T) {
    match reply {
        None => (true, otherwise),
        Some(reply) => (
            reply.says.is_some(),
            reply.says.clone().unwrap_or(otherwise),
        ),
    }
}

fn absent<T>() -> Answer<T> {
    Answer::absent(Absence::NoData, Some(Duration::from_secs(60)))
}

/// More than any small world needs
const MOST_MOVES: usize = 100;
