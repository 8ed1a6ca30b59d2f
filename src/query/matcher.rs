//! All queries in one scan: every literal of every query in one automaton over the folded text, then only those
//! queries whose literals were found are evaluated.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::evaluate::{Evaluation, Evidence, Hit, is_possible};
use super::pattern::{Edge, Text, is_free_after, is_free_before};
use super::plan::Program;
use super::scan::{Literal, PADDING, Scan, begins_a_word};
use super::{Document, Query};
use crate::model::Matched;
use crate::text::fold::{Folded, fold_into};

/// Many queries, compiled into one scan. Cheap to share between threads; each thread brings its own [`Scratch`].
#[derive(Debug)]
pub struct Matcher {
    literals: Scan,
    /// Who looks for each literal; literal `n`'s are `users[first_user[n]..first_user[n + 1]]`.
    users: Vec<User>,
    first_user: Vec<u32>,
    programs: Vec<Arc<Program>>,
    /// Queries that can hold without any literal (field tests only, regular expressions), in order.
    always: Vec<u32>,
}

/// Memory that is used again from one document to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    folded: Vec<u8>,
    hits: Vec<(u32, Hit)>,
    own: Vec<Hit>,
}

/// One query that holds for a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Index in the slice given to [`Matcher::new`].
    pub query: usize,
    /// Where its words stand: byte ranges in the original title, text, …, in order; at most 100.
    pub matched: Vec<Matched>,
}

#[derive(Clone, Copy, Debug)]
struct User {
    query: u32,
    atom: u32,
    pattern: u32,
    /// Bytes of the literal.
    length: u32,
    left: Edge,
    right: Edge,
}

impl Matcher {
    /// Compiles queries. Quick enough to be done at every start: a few milliseconds for 500 keywords.
    pub fn new(queries: &[&Query]) -> Self {
        let programs: Vec<Arc<Program>> = queries.iter().map(|query| Arc::clone(&query.program)).collect();
        Self::compile(programs)
    }

    pub(super) fn compile(programs: Vec<Arc<Program>>) -> Self {
        let mut literals: HashMap<&str, u32> = HashMap::new();
        let mut order: Vec<&str> = Vec::new();
        let mut users: Vec<(u32, User)> = Vec::new();
        let mut always = Vec::new();
        for (query, program) in (0_u32..).zip(&programs) {
            if !program.root.needs_atom {
                always.push(query);
            }
            for (atom, known) in (0_u32..).zip(&program.atoms) {
                for (pattern, one) in (0_u32..).zip(&known.patterns) {
                    let literal = *literals.entry(one.key()).or_insert_with(|| {
                        order.push(one.key());
                        order.len() as u32 - 1
                    });
                    let (left, right) = one.key_edges();
                    users.push((literal, User { query, atom, pattern, length: one.key().len() as u32, left, right }));
                }
            }
        }
        users.sort_by_key(|(literal, user)| (*literal, user.query, user.atom));
        let mut first_user = Vec::with_capacity(order.len() + 1);
        for literal in 0..=order.len() as u32 {
            first_user.push(users.partition_point(|(of, _)| *of < literal) as u32);
        }
        let literals: Vec<Literal<'_>> = (0..)
            .zip(&order)
            .map(|(number, text): (usize, &&str)| {
                let users = match first_user.get(number..number + 2) {
                    Some([first, end]) => users.get(*first as usize..*end as usize).unwrap_or_default(),
                    _ => &[],
                };
                let anchored = users.iter().all(|(_, user)| begins_a_word(text, user.left));
                let open = users.iter().any(|(_, user)| user.right == Edge::Free);
                Literal { text, anchored, open }
            })
            .collect();
        let literals = Scan::new(&literals);
        let users = users.into_iter().map(|(_, user)| user).collect();
        Self { literals, users, first_user, programs, always }
    }

    /// Memory of the tables that a text is scanned with, in bytes.
    pub fn memory(&self) -> usize {
        self.literals.memory() + size_of_val(self.users.as_slice()) + size_of_val(self.first_user.as_slice())
    }

    /// The queries that hold for a document, in order. Time is linear in the document's length.
    pub fn find(&self, document: &Document<'_>, scratch: &mut Scratch) -> Vec<Found> {
        let mut found = Vec::new();
        self.each(document, scratch, |query, evidence| found.push(Found { query, matched: evidence.matched }));
        found
    }

    /// Calls `report` for each query that holds, in order.
    pub(super) fn each(&self, document: &Document<'_>, scratch: &mut Scratch, mut report: impl FnMut(usize, Evidence)) {
        self.scan(document, scratch);
        if scratch.hits.is_empty() && self.always.is_empty() {
            return;
        }
        let Scratch { hits, own, .. } = scratch;
        hits.sort_unstable();
        let mut mapped: Option<Folded> = None;
        let unmapped = Folded::default();
        let words = OnceCell::new();
        let mut rest = hits.as_slice();
        let mut always = self.always.as_slice();
        loop {
            // Both lists are in order of queries: take the smaller head.
            let next = match (rest.first().map(|(query, _)| *query), always.first().copied()) {
                (Some(a), Some(b)) => a.min(b),
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => break,
            };
            if always.first() == Some(&next) {
                always = always.get(1..).unwrap_or_default();
            }
            let (mine, others) = rest.split_at(rest.partition_point(|(query, _)| *query == next));
            rest = others;
            own.clear();
            own.extend(mine.iter().map(|(_, hit)| *hit));
            let Some(program) = self.programs.get(next as usize) else { continue };
            if !is_possible(&program.root, own) {
                continue;
            }
            // The way back to the original costs more than the scan: made once, and only for documents like this.
            // Without a hit there is no place to check, so field tests and regular expressions do not ask for it.
            let folded: &Folded = if own.is_empty() {
                &unmapped
            } else {
                mapped.get_or_insert_with(|| {
                    let mut folded = Folded::default();
                    folded.append(document.title);
                    folded.append(document.text);
                    folded
                })
            };
            let text = Text { folded, parts: &[document.title, document.text], lang: document.lang };
            let evaluation = Evaluation { program, document, hits: own, text: &text, words: &words };
            if let Some(evidence) = evaluation.run() {
                report(next as usize, evidence);
            }
        }
    }

    /// Fills the scratch with the literals that stand in the document with free edges.
    fn scan(&self, document: &Document<'_>, scratch: &mut Scratch) {
        let Scratch { folded, hits, .. } = scratch;
        folded.clear();
        hits.clear();
        if self.literals.is_empty() {
            return;
        }
        fold_into(document.title, folded);
        folded.push(b'\n');
        fold_into(document.text, folded);
        let len = folded.len();
        folded.resize(len + PADDING, 0);
        let text = folded.get(..len).unwrap_or_default();
        self.literals.each(folded, len, |literal, start| {
            let literal = literal as usize;
            let users = match self.first_user.get(literal..literal + 2) {
                Some([first, end]) => self.users.get(*first as usize..*end as usize).unwrap_or_default(),
                _ => return,
            };
            for user in users {
                let end = start + user.length as usize;
                if is_free_before(text, start, user.left) && is_free_after(text, end, user.right) {
                    let hit = Hit { atom: user.atom, pattern: user.pattern, start: start as u32 };
                    hits.push((user.query, hit));
                }
            }
        });
    }
}
