//! What is asked before the specification gets there: DNS only, and never what changes the outcome.

use alloc::sync::Arc;

use super::context::Context;
use super::queries::Want;
use super::stage::{Stage, Subject};
use crate::config::Lookahead;
use crate::edition::Order;
use crate::name::Host;
use crate::srv::{Selection, Target};

/// Asks now what a later step may need
pub(super) fn look_ahead(stage: &Stage, subject: &Subject, context: &mut Context) {
    if context.config.lookahead == Lookahead::None {
        return;
    }
    match stage {
        Stage::Ended(_) => {}
        Stage::Srv { .. } => to_srv(subject, context),
        Stage::Targets(targets) => {
            for host in targets.ahead().take(MAX_TARGETS_AHEAD) {
                to_addresses(host, context);
            }
        }
        // In draft-2019 the SRV steps are over when .well-known is asked
        Stage::Awaiting | Stage::WellKnown(_) => match context.config.edition.rules().order {
            Order::SrvFirst => to_addresses(subject.name.host(), context),
            Order::WellKnownFirst => to_srv(subject, context),
        },
    }
}

/// SRV of the subject, the addresses of its targets, and those of the subject itself
fn to_srv(subject: &Subject, context: &mut Context) {
    let mut targets: Arc<[Target]> = Arc::default();
    // A later service's targets matter once every earlier service is known to have none
    let mut settled = false;
    for service in subject.services.clone() {
        let Context { queries, ids, .. } = context;
        let known = queries.want_srv(service, Want::Ahead, ids);
        match known.map(|known| known.result.as_ref().map(|outcome| &outcome.selection)) {
            _ if settled => {}
            None | Some(Ok(Some(Selection::NotOffered))) => settled = true,
            Some(Ok(Some(Selection::Targets(list)))) => {
                targets = list.clone();
                settled = true;
            }
            Some(Ok(None) | Err(_)) => {}
        }
    }
    for target in targets.iter().take(MAX_TARGETS_AHEAD) {
        to_addresses(&target.host, context);
    }
    to_addresses(subject.name.host(), context);
}

fn to_addresses(host: &Host, context: &mut Context) {
    if let Host::Dns(name) = host {
        let families = context.config.families;
        let Context { queries, ids, .. } = context;
        let host = queries.host(name);
        queries.want_addresses(host, Want::Ahead, families, ids);
    }
}

/// How many targets' addresses are looked up before it is their turn: the second is for when the first fails, and more
/// would let a stranger's SRV set ask for a hundred things at once; our choice
const MAX_TARGETS_AHEAD: usize = 2;
