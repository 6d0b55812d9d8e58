//! The layer of judgement: a model that is asked whether two outputs are equivalent.
//!
//! The question is symmetric: would either output serve in the place of the other? So the
//! outputs are shown as A and B, and the judge is not told which of them is the recorded one.
//! That leaves one bias, that of the place, which the votes alternate.

mod api;
mod prompt;
mod reply;
mod votes;

use super::calls::{Failure, Recorded, Secrets, answers};
use super::differ::Question;
use super::finding::Finding;
use super::model::ModelCalls;
use super::options::DiffOptions;
use super::texts;
use crate::Cache;
use prompt::Prompt;
use reply::Reply;
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicU64, Ordering};
use votes::{Order, Tally, Vote};

/// What is known of the judge's model, and how many calls were made: for all comparisons.
#[derive(Default)]
pub(super) struct State {
    calls: AtomicU64,
    without: api::Rejected,
}

/// How two outputs are compared by a judge.
pub(super) struct Judge<'a> {
    pub model: &'a str,
    pub options: &'a DiffOptions,
    pub calls: &'a dyn ModelCalls,
    pub cache: Option<&'a Cache>,
    pub state: &'a State,
}

/// What the judge is asked, but for the order of the outputs and the number of the vote.
struct Case<'a> {
    question: &'a Question,
    before: &'a str,
    after: &'a str,
    prompt: Prompt,
    secrets: Secrets,
}

impl Case<'_> {
    /// Returns what the judge is shown and may quote.
    fn texts(&self) -> [&str; 4] {
        let Question { system, prompt } = self.question;
        let [system, prompt] = [system, prompt].map(|text| text.as_deref().unwrap_or_default());
        [system, prompt, self.before, self.after]
    }
}

impl Judge<'_> {
    /// Compares two outputs; what cannot be compared is the verdict, too.
    pub fn compare(&self, question: &Question, before: &[u8], after: &[u8]) -> Finding {
        let (before, after) = match texts::of(before, after) {
            Ok(texts) => texts,
            Err(finding) => return finding,
        };
        let prompt = Prompt::new(self.options.judge_prompt.as_deref());
        let tally = Secrets::of(self.cache, [before, after])
            .and_then(|secrets| self.tally(&Case { question, before, after, prompt, secrets }));
        tally.map_or_else(Failure::finding, |tally| tally.finding())
    }

    fn tally(&self, case: &Case<'_>) -> Result<Tally, Failure> {
        let mut tally = Tally::default();
        for number in 1..=self.options.votes {
            tally.count(self.vote(case, number, Order::of(number))?);
        }
        if let Some(order) = tally.needs_another() {
            tally.count(self.vote(case, self.options.votes + 1, order)?);
        }
        Ok(tally)
    }

    fn vote(&self, case: &Case<'_>, number: u32, order: Order) -> Result<Vote, Failure> {
        let (a, b) = match order {
            Order::BeforeFirst => (case.before, case.after),
            Order::AfterFirst => (case.after, case.before),
        };
        let asked = case.prompt.message(case.question, a, b, number);
        let system = case.prompt.system();
        let mut messages = vec![api::message("user", &asked)];
        let response = self.ask(case, order, number, 0, system, &messages)?;
        let read = |response: &[u8]| Reply::read(self.options.judge_api, response, &case.texts());
        let opinion = match read(&response) {
            Reply::Opinion(opinion) => Some(opinion),
            Reply::Refusal => None,
            Reply::Unreadable { said, why } => {
                messages.push(api::message("assistant", &prompt::quoted(&said)));
                messages.push(api::message("user", &prompt::repair(&why)));
                let response = self.ask(case, order, number, 1, system, &messages)?;
                match read(&response) {
                    Reply::Opinion(opinion) => Some(opinion),
                    Reply::Refusal | Reply::Unreadable { .. } => None,
                }
            }
        };
        Ok(Vote { order, opinion })
    }

    /// Returns the judge's response, recorded or new.
    fn ask(
        &self,
        case: &Case<'_>,
        order: Order,
        number: u32,
        repair: u32,
        system: &str,
        messages: &[Value],
    ) -> Result<Vec<u8>, Failure> {
        let mut document = Map::new();
        let mut add = |name: &str, value: Value| document.insert(name.to_owned(), value);
        add("f3dx_cache", "judge".into());
        add("prompt_version", case.prompt.version().into());
        add("model", self.model.into());
        add("api", api::name(self.options.judge_api).into());
        add("order", order.name().into());
        add("vote", number.into());
        add("system", case.question.system.clone().into());
        add("prompt", case.question.prompt.clone().into());
        add("before", case.before.into());
        add("after", case.after.into());
        match case.secrets {
            Secrets::None => {}
            Secrets::Alike => drop(add("secrets", "alike".into())),
            Secrets::Unlike => drop(add("secrets", "unlike".into())),
        }
        if repair > 0 {
            add("repair", repair.into());
        }
        let what = match repair {
            0 => format!("the judge's vote {number}"),
            _ => format!("the judge's vote {number}, asked again,"),
        };
        let recorded = Recorded::new(self.cache, what, self.model, document)?;
        let mut answers = answers(self.cache, &[recorded], &|_| {
            self.take_turn()?;
            let response = api::Call {
                api: self.options.judge_api,
                model: self.model,
                system,
                messages,
                rejected: &self.state.without,
            };
            Ok(vec![response.send(self.calls)?])
        })?;
        answers.pop().ok_or_else(|| Failure::Failed("the judge's answer is missing".to_owned()))
    }

    /// Counts a call that is about to be made, if it may be.
    fn take_turn(&self) -> Result<(), Failure> {
        let limit = self.options.max_judge_calls.unwrap_or(u64::MAX);
        let next = |made: u64| (made < limit).then_some(made.saturating_add(1));
        let taken = self.state.calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        taken.map(drop).map_err(|_| {
            let message = format!("the judge was not asked: max_judge_calls = {limit} were made");
            Failure::Skipped(message)
        })
    }
}
