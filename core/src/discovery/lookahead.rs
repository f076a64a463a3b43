//! What is asked before the specification gets there: DNS only, and never what changes the outcome.

use alloc::sync::Arc;

use super::{Discovery, Stage};
use crate::config::Lookahead;
use crate::edition::Order;
use crate::srv::{Selection, Target};

impl Discovery {
    /// Asks now what a later step may need: DNS only, and never what changes the outcome
    pub(super) fn look_ahead(&mut self) {
        if self.context.config.lookahead == Lookahead::None {
            return;
        }
        match &self.stage {
            Stage::Ended(_) => {}
            Stage::Srv { .. } => self.look_ahead_to_srv(),
            Stage::Targets(targets) => {
                for target in targets.list.iter().skip(targets.current) {
                    self.context.look_ahead_to_addresses(&target.host);
                }
            }
            // In draft-2019 the SRV steps are over when .well-known is asked
            Stage::WellKnown(_) => match self.rules().order {
                Order::SrvFirst => self.look_ahead_to_fallback(),
                Order::WellKnownFirst => self.look_ahead_to_srv(),
            },
        }
    }

    /// SRV of the subject, the addresses of its targets, and those of the subject itself
    fn look_ahead_to_srv(&mut self) {
        let mut targets: Arc<[Target]> = Arc::default();
        // A later service's targets matter once every earlier service is known to have none
        let mut settled = false;
        for owner in &self.subject.owners {
            let answer = self.context.want_srv(owner);
            match answer.map(|answer| answer.as_ref().map(|outcome| &outcome.selection)) {
                _ if settled => {}
                None | Some(Ok(Some(Selection::NotOffered))) => settled = true,
                Some(Ok(Some(Selection::Targets(list)))) => {
                    targets = list.clone();
                    settled = !list.is_empty();
                }
                Some(Ok(None) | Err(_)) => {}
            }
        }
        for target in &*targets {
            self.context.look_ahead_to_addresses(&target.host);
        }
        self.look_ahead_to_fallback();
    }

    fn look_ahead_to_fallback(&mut self) {
        self.context
            .look_ahead_to_addresses(self.subject.name.host());
    }
}
