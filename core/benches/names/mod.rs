//! A pool that knows many names.

use std::sync::Arc;
use std::time::Duration;

use fedway_core::{
    Absence, Action, Answer, Config, Family, HttpAnswer, Instant, Machine as _, Pool, ServerName,
    Step, Told,
};

/// A pool that knows so many names: each delegates to a host and port of its own with an address of each family
pub(crate) fn known(names: usize) -> Pool {
    let mut config = Config::default();
    config.capacity = u32::MAX;
    let mut pool = Pool::new(Arc::new(config), 1);
    for index in 0..names {
        let _ = pool.resolve(&name(index), Instant::ORIGIN);
        loop {
            let event = match pool.poll() {
                Step::Act(Action::Connect(connect)) => connect.reply(Ok(None)),
                Step::Act(Action::FetchWellKnown(fetch)) => {
                    let body = format!("{{\"m.server\":\"matrix{index}.example.org:443\"}}");
                    fetch.reply(Ok(HttpAnswer::ok(body)))
                }
                Step::Act(Action::LookUpAddresses(look_up)) => {
                    let low = (index % 250) as u8 + 1;
                    let address = match look_up.family() {
                        Family::V4 => [9, 9, (index >> 8) as u8, low].into(),
                        Family::V6 => {
                            [0x2620, 0xfe, 0, 0, 0, 0, (index >> 8) as u16, low.into()].into()
                        }
                    };
                    look_up.reply(Ok(Answer::found(vec![address], DAY)))
                }
                Step::Act(Action::QuerySrv(query)) => {
                    query.reply(Ok(Answer::absent(Absence::NoData, Some(DAY))))
                }
                Step::Cancel(_) => continue,
                Step::Done(told) => {
                    assert!(matches!(told, Told::Resolved(_, Ok(_))));
                    break;
                }
                Step::Wait { .. } => panic!("everything is answered at once"),
            };
            pool.handle(event, Instant::ORIGIN);
        }
    }
    pool
}

pub(crate) fn name(index: usize) -> ServerName {
    let name = format!("server{index}.example.org");
    name.parse().expect("it is a server name")
}

const DAY: Duration = Duration::from_secs(86_400);
