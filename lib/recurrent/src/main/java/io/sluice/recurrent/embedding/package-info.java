/**
 * Embeddings: a row of numbers for each id of a vocabulary, as a network's lowest layer.
 *
 * <p>Main type: {@link io.sluice.recurrent.embedding.Embedding}, the configuration of the layer. A
 * batch touches the rows of its ids and no others, so the gradient is zero but there: {@link
 * io.sluice.recurrent.embedding.RowGradient} says where, for those who would otherwise visit all of
 * it ({@code recurrent.optim}, and through it the exchange between processes). Depends on ND4J,
 * DL4J, {@code recurrent.kernel}, {@code recurrent.layer}, {@code recurrent.dropout} and {@code
 * recurrent.pass}. Class names and property names are part of the JSON in a model.zip.
 *
 * <p>The decision worth knowing: the gradient stays an array as long as the parameters, because
 * DL4J's flat arrays are, and beside it stands a sorted list of the rows that may differ from zero.
 * All that happens between the backward pass and the parameters follows from the gradient alone,
 * the list saves looking; without it the same is computed on all rows.
 *
 * <p><b>Considered:</b> a gradient of the touched rows only, in an array of its own. DL4J knows
 * none: {@code fit}, its training masters and its serializer would each need another network.
 *
 * <p><b>Considered:</b> DL4J's {@code EmbeddingSequenceLayer}. It sets all of the gradient to zero
 * in every step, passes over it five more times in the optimizer, and knows neither dropout of
 * words nor masks.
 */
package io.sluice.recurrent.embedding;
