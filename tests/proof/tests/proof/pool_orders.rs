//! Two askers of one name in a pool, in every order: answers come as they like, and one of the two leaves at any moment.
//!
//! As in [`every_order`](crate::every_order), states that look the same are folded. Whoever stays is told what the text
//! says; when nobody waits any more, nothing is left open, and no fact that nobody holds.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use fedway_core::{
    ActionId, Edition, Instant, Lookahead, Machine as _, Pool, ServerName, Step, Ticket, Told,
};
use fedway_proof::oracle::{World, ask};
use fedway_testkit::script::Goal;

use crate::end::End;
use crate::every_order::{Open, open};
use crate::small::small_worlds;

#[test]
fn whoever_stays_is_told_what_the_text_says_wherever_the_other_leaves() {
    let (mut states, mut ends) = (0, 0);
    for (title, world) in small_worlds() {
        for edition in Edition::ALL {
            for goal in Goal::ALL {
                let what = format!("{title}: {edition} {goal:?}");
                let expected = End::read(&ask(edition, goal, &world, &[]), goal);
                let mut explorer = Explorer {
                    world: &world,
                    goal,
                    expected,
                    what,
                    seen: HashSet::new(),
                    ends: 0,
                };
                explorer.visit(State::new(&world, edition, goal), 0);
                states += explorer.seen.len();
                ends += explorer.ends;
                assert!(explorer.ends > 0, "{}", explorer.what);
            }
        }
    }
    println!("{states} states, {ends} ends");
    assert!(states > 1_000);
}

#[derive(Clone)]
struct State {
    pool: Pool,
    now: Instant,
    until: Option<Instant>,
    open: Vec<Open>,
    /// Sessions, which are open though no action is
    ids: BTreeSet<ActionId>,
    askers: [Asker; 2],
}

#[derive(Clone, Debug)]
enum Asker {
    Waits(Ticket),
    Left,
    Told(End),
}

impl State {
    fn new(world: &World, edition: Edition, goal: Goal) -> Self {
        let script = world.script(edition, goal, Lookahead::Dns);
        let mut pool = Pool::new(Arc::new(script.policies().clone()), world.seed);
        let name: ServerName = world.name.parse().expect("a world has a server name");
        let mut ask = || match goal {
            Goal::Connect => pool.connect(&name, Instant::ORIGIN),
            Goal::Resolve => pool.resolve(&name, Instant::ORIGIN),
        };
        let askers = [Asker::Waits(ask()), Asker::Waits(ask())];
        Self {
            pool,
            now: Instant::ORIGIN,
            until: None,
            open: Vec::new(),
            ids: BTreeSet::new(),
            askers,
        }
    }

    fn drain(&mut self, world: &World, goal: Goal, what: &str) {
        loop {
            match self.pool.poll() {
                Step::Act(action) => {
                    assert!(self.ids.insert(action.id()), "{what}: an id used twice");
                    self.open.push(open(action, world));
                }
                Step::Cancel(id) => {
                    assert!(
                        self.ids.contains(&id),
                        "{what}: cancels what it never asked for"
                    );
                    self.open.retain(|it| it.id != id);
                }
                Step::Done(told) => {
                    let ticket = told.ticket();
                    let is_it =
                        |asker: &&mut Asker| matches!(asker, Asker::Waits(it) if *it == ticket);
                    let asker = self.askers.iter_mut().find(is_it);
                    let asker = asker.unwrap_or_else(|| panic!("{what}: {told:?} to nobody"));
                    *asker = Asker::Told(match told {
                        Told::Connected(_, result) => End::of(&result, goal),
                        Told::Resolved(_, Ok(found)) => {
                            End::of(&Ok(Box::new((*found).clone())), goal)
                        }
                        Told::Resolved(_, Err(error)) => End::of(&Err((*error).clone()), goal),
                        Told::Delegated(..) | Told::Recorded(..) => {
                            panic!("{what}: nobody asked for that")
                        }
                    });
                }
                Step::Wait { until } => {
                    assert!(
                        until.is_none_or(|until| until > self.now),
                        "{what}: a deadline passed"
                    );
                    self.until = until;
                    return;
                }
            }
        }
    }

    fn waits(&self) -> bool {
        self.askers.iter().any(|it| matches!(it, Asker::Waits(_)))
    }
}

struct Explorer<'a> {
    world: &'a World,
    goal: Goal,
    expected: End,
    what: String,
    seen: HashSet<u64>,
    ends: usize,
}

impl Explorer<'_> {
    fn visit(&mut self, mut state: State, depth: usize) {
        let what = self.what.clone();
        state.drain(self.world, self.goal, &what);
        let mut hasher = DefaultHasher::new();
        format!(
            "{:?} {:?} {:?} {:?}",
            state.pool, state.open, state.now, state.askers
        )
        .hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return;
        }
        assert!(depth < MOST_MOVES, "{what}: no end in sight");
        for asker in &state.askers {
            if let Asker::Told(end) = asker {
                assert_eq!(*end, self.expected, "{what}");
            }
        }
        if !state.waits() {
            self.ends += 1;
            let stats = state.pool.stats();
            let left = (stats.searches, stats.questions, state.open.len());
            assert_eq!(left, (0, 0, 0), "{what}: left open: {:?}", state.open);
            state.pool.forget_all();
            assert_eq!(
                state.pool.stats().facts,
                0,
                "{what}: a fact that nobody holds"
            );
            return;
        }
        // One of the two leaves, if both are there
        if let [Asker::Waits(_), Asker::Waits(second)] = state.askers {
            for (index, ticket) in [(0, None), (1, Some(second))] {
                let mut next = state.clone();
                let ticket = ticket.unwrap_or_else(|| match state.askers[0] {
                    Asker::Waits(first) => first,
                    Asker::Left | Asker::Told(_) => second,
                });
                next.askers[index] = Asker::Left;
                next.pool.leave(ticket, state.now);
                self.visit(next, depth + 1);
            }
        }
        for index in 0..state.open.len() {
            if state.open[index].answers {
                let mut next = state.clone();
                let open = next.open.remove(index);
                next.pool.handle(open.event, state.now);
                self.visit(next, depth + 1);
            }
        }
        // Those of a race, and of what never answers
        if let Some(until) = state.until
            && !state
                .open
                .iter()
                .any(|it| it.answers && it.deadline <= until)
        {
            let mut next = state.clone();
            next.now = until;
            next.pool.handle_timeout(until);
            self.visit(next, depth + 1);
        }
    }
}

/// More than any small world needs
const MOST_MOVES: usize = 100;
