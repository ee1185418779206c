//! Says, clause by clause, whether a server does server push right.
