// A model split among several machines, or among the memories of one.
#ifndef WEFT_REFERENCE_MODEL_SPLIT_H_
#define WEFT_REFERENCE_MODEL_SPLIT_H_

#include <cstddef>

#include "reference/base/result.h"
#include "reference/model/model.h"

namespace weft::engine {

// Shard number `shard` of `shards`: of every layer its KV heads, with the query heads that share them, and its columns
// of the hidden layer; everything else whole. That is rows of q, k, v, gate and up, and columns of the attention's
// output and of down, all of them views of the whole model's weights, which must outlive the result:
//
//     whole:  x += output * attended             + bias       attended = [heads of shard 0 | of shard 1 | ...]
//     shard:  x += sum over shards(output[:, its columns] * its heads) + the bias, which shard 0 has
//
// Shares may be unequal: a cut lies between KV heads and at the end of a block of the weights whose columns it cuts. A
// Transformer of it needs a Communicator of as many.
// Errors: no such shard; `whole` is a shard itself; a layer with fewer pieces that can be told apart than there are
// shards.
Result<Model> SplitModel(const Model& whole, size_t shard, size_t shards);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_SPLIT_H_
