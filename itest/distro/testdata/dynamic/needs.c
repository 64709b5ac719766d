// A program whose library is taken away after it was linked.
int bump(void);
int main(void) { return bump(); }
