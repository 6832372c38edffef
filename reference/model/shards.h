// Where the parts of a split model meet.
#ifndef WEFT_REFERENCE_MODEL_SHARDS_H_
#define WEFT_REFERENCE_MODEL_SHARDS_H_

#include <span>

namespace weft::engine {

// Called with the residual stream after each product that goes back into it. In a model split by heads and by columns
// of the hidden layer, every shard has computed a part of that sum (the first one added the residual), and here they
// would be added up, in a fixed order. Models are not split today: the sum is complete.
inline void SumOverShards(std::span<float> /*x*/) {}

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_SHARDS_H_
