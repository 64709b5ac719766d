#include "textflag.h"

TEXT ·Disable(SB), NOSPLIT, $0-0
	CLI
	RET
