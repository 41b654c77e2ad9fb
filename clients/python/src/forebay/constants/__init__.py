"""Names and numbers of MySQL, in modules of PyMySQL's names."""
