/**
 * Dropout that follows the example: what is dropped of an example in a layer at a step is a
 * function of the three and of the seed in the example's key, and of nothing else. However a batch
 * is cut into ranks, replicas and micro-batches, and in whatever order its examples lie, the step
 * is the same.
 *
 * <p>Main type: {@link io.sluice.recurrent.dropout.ExampleDropout}, a DL4J {@code IDropout}; words
 * are dropped by {@link io.sluice.recurrent.dropout.WordDropout}, and weights, which are no
 * example's, for a whole step by {@link io.sluice.recurrent.dropout.WeightDropout}. Depends on
 * ND4J, DL4J and {@code recurrent.pass}, which says whose rows a layer has before it.
 *
 * <p><b>Considered:</b> ND4J's generator, seeded before each step. Its numbers go to rows in the
 * order in which rows are asked for, so every cut of a batch draws other masks; and there is one
 * generator a thread, which whatever draws a random number in between moves on.
 */
package io.sluice.recurrent.dropout;
