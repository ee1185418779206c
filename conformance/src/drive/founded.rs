//! What a case waits for before it begins: its preconditions.

use std::pin::pin;

use super::attempt::FIRST;
use super::foundations::Foundations;
use super::places::Coming;
use super::results::Ran;
use super::runner::{Runner, is_heavy};
use crate::case::Case;
use crate::outcome::CaseOutcome;

impl Runner {
    /// Runs a case once its preconditions are done. A precondition is run beside those on which it rests, and given up where one
    /// of them is broken.
    pub(super) async fn founded(
        &self,
        case: Case,
        number: usize,
        attempt: usize,
        foundations: &Foundations,
    ) -> Ran {
        let _guard = foundations.guard(&case);
        let coming = self.places.coming(number, is_heavy(&case));
        let ran = if case.is_precondition() {
            let mut ran = Box::pin(self.first_time(case.clone(), coming, attempt, foundations));
            tokio::select! {
                biased;
                broken = foundations.broken_below(&case) => match broken {
                    Some(why) => Err(why),
                    None => Ok(ran.await),
                },
                ran = &mut ran => foundations.broken_below(&case).await.map_or(Ok(ran), Err),
            }
        } else {
            match self.awaited(&case, coming, foundations).await {
                Ok(coming) => Ok(Box::pin(self.first_time(case.clone(), coming, attempt, foundations)).await),
                Err(why) => Err(why),
            }
        };
        let ran = ran.unwrap_or_else(|why| {
            let level = self.level(&case);
            Ran::skipped(CaseOutcome::skipped(case, level, why))
        });
        foundations.note(&ran.outcome, ran.cut.is_some());
        ran
    }

    /// Waits for the preconditions of a case; why it is not run, where one is broken. Nobody waits for it meanwhile where one of
    /// them is in doubt.
    async fn awaited<'a>(
        &'a self,
        case: &Case,
        coming: Coming<'a>,
        foundations: &Foundations,
    ) -> Result<Coming<'a>, String> {
        let mut broken = pin!(foundations.broken_below(case));
        let (coming, broken) = tokio::select! {
            biased;
            broken = &mut broken => (coming, broken),
            () = foundations.in_doubt(case) => {
                let number = coming.number;
                drop(coming);
                let broken = broken.await;
                (self.places.coming_after_all(number, is_heavy(case)), broken)
            }
        };
        broken.map_or(Ok(coming), Err)
    }

    async fn first_time(
        &self,
        case: Case,
        coming: Coming<'_>,
        attempt: usize,
        foundations: &Foundations,
    ) -> Ran {
        if attempt == FIRST {
            self.twice(case, coming, foundations).await
        } else {
            self.case(case, attempt, Some(coming), None).await
        }
    }
}
