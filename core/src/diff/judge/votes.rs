//! What the votes come to.

use super::super::comparison::Verdict;
use super::super::excerpt;
use super::super::finding::Finding;
use super::reply::{Opinion, Said};

/// How many of the judge's differences the note quotes, and how much of each.
const QUOTED: usize = 3;
const SHOWN: usize = 120;

/// Which output the judge is shown first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    BeforeFirst,
    AfterFirst,
}

/// One vote; void if the judge gave no verdict that can be read.
#[derive(Debug)]
pub(super) struct Vote {
    pub order: Order,
    pub opinion: Option<Opinion>,
}

/// All votes on two outputs.
#[derive(Debug, Default)]
pub(super) struct Tally(Vec<Vote>);

impl Order {
    /// Returns the order of the vote with this number, from 1.
    pub fn of(number: u32) -> Self {
        match number % 2 {
            1 => Self::BeforeFirst,
            _ => Self::AfterFirst,
        }
    }

    /// Returns the name that is recorded.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeFirst => "before_first",
            Self::AfterFirst => "after_first",
        }
    }
}

impl Tally {
    pub fn count(&mut self, vote: Vote) {
        self.0.push(vote);
    }

    /// Returns the order in which one more vote may tell: those there are tie, only one of them
    /// is valid, or those in favour are all in one order.
    pub fn needs_another(&self) -> Option<Order> {
        let (against, of) = (self.different(), self.valid());
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX).saturating_add(1);
        match (self.0.len(), of) {
            (1, _) | (_, 0) => None,
            _ if 2 * against == of => Some(Order::of(next)),
            _ if of == 1 || 2 * against < of => self.unheard(),
            _ => None,
        }
    }

    /// Returns the verdict of the majority.
    ///
    /// Equivalent is only what no bias explains: it takes votes in both orders, and if every vote with one output first says so and
    /// every vote with the other one first denies it, the judge goes by the place. And differences
    /// that are minor to some are none only if no vote finds others.
    pub fn finding(&self) -> Finding {
        let (against, of) = (self.different(), self.valid());
        let favour = of - against;
        let enough = of >= 2 || self.0.len() == 1 && of == 1;
        if !enough || against == favour {
            return self.inconclusive(match of {
                0 => "no reply of the judge is a verdict",
                _ if !enough => "only one reply of the judge is a verdict",
                _ => "the judge's votes tie",
            });
        }
        let (verdict, votes) = match against > favour {
            true => (Verdict::Different, against),
            false => (Verdict::Equivalent, favour),
        };
        if verdict == Verdict::Equivalent && self.0.len() > 1 && self.unheard().is_some() {
            return self.inconclusive("the judge's verdicts are all with one output first");
        }
        let minor = self.opinions().any(|opinion| opinion.verdict == Said::Minor);
        if verdict == Verdict::Equivalent && against > 0 {
            if self.goes_by_place() {
                return self.inconclusive("the judge's votes go by which output comes first");
            }
            if minor {
                return self.inconclusive("the judge's votes disagree on how much differs");
            }
        }
        let word = match (verdict, minor) {
            (Verdict::Equivalent, true) => "equivalent, but for minor differences",
            (Verdict::Equivalent, false) => "equivalent",
            _ => "different",
        };
        let mut note = format!("{votes} of {of} votes of the judge: {word}");
        self.quote(verdict, &mut note);
        let score = Some(votes as f64 / of as f64);
        Finding { score, ..Finding::new(verdict, note) }
    }

    fn inconclusive(&self, why: &str) -> Finding {
        let votes: Vec<_> = self.0.iter().map(Vote::name).collect();
        Finding::new(Verdict::Inconclusive, format!("{why}: {}", votes.join(", ")))
    }

    /// Appends what the judge says differs, in its own words.
    fn quote(&self, verdict: Verdict, note: &mut String) {
        let agree = |opinion: &&Opinion| {
            (opinion.verdict == Said::Different) == (verdict == Verdict::Different)
        };
        let named = self.opinions().filter(agree).find(|opinion| !opinion.differences.is_empty());
        let Some(named) = named else { return };
        note.push_str("; it says ");
        for (place, difference) in named.differences.iter().take(QUOTED).enumerate() {
            note.push_str(if place == 0 { "\"" } else { ", \"" });
            excerpt::push_short(difference, SHOWN, note);
            note.push('"');
        }
        if named.differences.len() > QUOTED {
            note.push_str(", …");
        }
    }

    /// Returns the order in which no vote is valid, if there is one.
    fn unheard(&self) -> Option<Order> {
        let heard = |order| self.0.iter().any(|vote| vote.order == order && vote.opinion.is_some());
        [Order::BeforeFirst, Order::AfterFirst].into_iter().find(|order| !heard(*order))
    }

    fn goes_by_place(&self) -> bool {
        let said = |order: Order| {
            let votes = self.0.iter().filter(move |vote| vote.order == order);
            votes.filter_map(|vote| vote.opinion.as_ref()).map(Opinion::is_different)
        };
        let all = |order: Order, is: bool| said(order).all(|different| different == is);
        let (one, other) = (Order::BeforeFirst, Order::AfterFirst);
        all(one, true) && all(other, false) || all(one, false) && all(other, true)
    }

    fn opinions(&self) -> impl Iterator<Item = &Opinion> {
        self.0.iter().filter_map(|vote| vote.opinion.as_ref())
    }

    fn valid(&self) -> usize {
        self.opinions().count()
    }

    fn different(&self) -> usize {
        self.opinions().filter(|opinion| opinion.is_different()).count()
    }
}

impl Opinion {
    fn is_different(&self) -> bool {
        self.verdict == Said::Different
    }
}

impl Vote {
    fn name(&self) -> &'static str {
        match self.opinion.as_ref().map(|opinion| opinion.verdict) {
            Some(Said::Equivalent) => "equivalent",
            Some(Said::Minor) => "minor",
            Some(Said::Different) => "different",
            None => "void",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `E`quivalent, `M`inor, `D`ifferent, `-` void.
    fn tally(votes: &str) -> Tally {
        let vote = |(number, letter): (u32, char)| {
            let verdict = match letter {
                'E' => Some(Said::Equivalent),
                'M' => Some(Said::Minor),
                'D' => Some(Said::Different),
                _ => None,
            };
            let opinion = verdict.map(|verdict| Opinion { differences: Vec::new(), verdict });
            Vote { order: Order::of(number), opinion }
        };
        Tally((1..).zip(votes.chars()).map(vote).collect())
    }

    #[test]
    fn the_majority_decides_unless_the_place_explains_it() {
        use Verdict::{Different, Equivalent, Inconclusive};
        for (votes, verdict, score) in [
            ("EE", Equivalent, Some(1.0)),
            ("EM", Equivalent, Some(1.0)),
            ("MM", Equivalent, Some(1.0)),
            ("DD", Different, Some(1.0)),
            ("E", Equivalent, Some(1.0)),
            ("D", Different, Some(1.0)),
            ("EDD", Different, Some(2.0 / 3.0)),
            ("DED", Different, Some(2.0 / 3.0)),
            ("DEE", Equivalent, Some(2.0 / 3.0)),
            ("EDE", Inconclusive, None),
            ("E-E", Inconclusive, None),
            ("-E-M", Inconclusive, None),
            ("D-D", Different, Some(1.0)),
            ("DMM", Inconclusive, None),
            ("MDD", Different, Some(2.0 / 3.0)),
            ("EDEDE", Inconclusive, None),
            ("EEDEE", Equivalent, Some(0.8)),
            ("EEDD", Inconclusive, None),
            ("--", Inconclusive, None),
            ("-", Inconclusive, None),
            ("E--", Inconclusive, None),
            ("-DD", Different, Some(1.0)),
        ] {
            let finding = tally(votes).finding();
            assert_eq!((finding.verdict, finding.score), (verdict, score), "{votes}");
        }
    }

    #[test]
    fn one_more_vote_is_cast_where_it_may_tell() {
        for (votes, needs) in [
            ("EE", false),
            ("DD", false),
            ("ED", true),
            ("MD", true),
            ("EM", false),
            ("E-", true),
            ("--", false),
            ("E", false),
            ("-", false),
            ("EED", false),
            ("EEDD", true),
            ("E-E", true),
            ("-M-E", true),
            ("D-D", false),
        ] {
            assert_eq!(tally(votes).needs_another().is_some(), needs, "{votes}");
        }
    }

    #[test]
    fn a_note_quotes_the_judge() {
        let opinion = |differences: &[&str]| {
            let differences = differences.iter().map(|text| (*text).to_owned()).collect();
            Some(Opinion { differences, verdict: Said::Different })
        };
        let vote = |differences| Vote { order: Order::BeforeFirst, opinion: opinion(differences) };
        let tally = Tally(vec![vote(&[]), vote(&["the price", "the\ndate", "c", "d"])]);
        assert_eq!(
            tally.finding().note,
            "2 of 2 votes of the judge: different; it says \"the price\", \"the\u{240a}date\", \"c\", …"
        );
    }
}
