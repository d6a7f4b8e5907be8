/**
 * Heads over time: what follows the recurrent layers of a network.
 *
 * <p>{@link io.sluice.recurrent.head.TimePooling}, {@link
 * io.sluice.recurrent.head.AdditiveAttention}, {@link
 * io.sluice.recurrent.head.MultiHeadSelfAttention} and {@link
 * io.sluice.recurrent.head.LayerNormalization} take the outputs (B, H, T) of a recurrent layer. All
 * are DL4J layers for {@code MultiLayerNetwork} and {@code ComputationGraph}. (The layer that takes
 * the last step is {@code recurrent.layer.LastStep}.) Depends on ND4J, DL4J, {@code
 * recurrent.pass}, and the functions and products of {@code recurrent.kernel}.
 *
 * <p>As in {@code recurrent.kernel}, memory is time-major, (T, B, ·): row t·B + b is time step t of
 * sequence b, so that a product over all steps of all sequences is one GEMM. A float network runs
 * on the {@code Float…} kernels, a double network on the {@code Reference…} ones: plain loops in
 * float64 that judge the fast ones. Class names and property names are part of the JSON in a
 * model.zip.
 *
 * <p>{@link io.sluice.recurrent.head.VocabularyOutput} is the output layer over classes, in
 * training the logits of a bounded number of rows at a time. Its softmax is full, or an {@link
 * io.sluice.recurrent.head.AdaptiveSoftmax} for vocabularies of 100,000 words and more; {@code
 * VocabularyOutput.negativeLogLikelihoods} tells of both what a perplexity is made of.
 *
 * <p><b>Considered:</b> whole-array ND4J operations. Each is one call, but none is fused: additive
 * attention would pass eleven times over (T·B, A) arrays where the kernel passes twice.
 */
package io.sluice.recurrent.head;
