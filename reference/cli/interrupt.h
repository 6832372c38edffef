// Ctrl-C as a request to finish.
#ifndef WEFT_REFERENCE_CLI_INTERRUPT_H_
#define WEFT_REFERENCE_CLI_INTERRUPT_H_

namespace weft::engine::cli {

// From now on the first interrupt (SIGINT) only makes Interrupted() true; a second one ends the process as usual.
void CatchInterrupt();
bool Interrupted();

}  // namespace weft::engine::cli

#endif  // WEFT_REFERENCE_CLI_INTERRUPT_H_
