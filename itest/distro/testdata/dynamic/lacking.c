// A library that wants a symbol that nobody has.
int nobody_has_this(void);
int lacking(void) { return nobody_has_this(); }
