"""SOQL: a grammar, a syntax tree, a translation to SQL, and results in the shapes REST and Bulk answer."""
