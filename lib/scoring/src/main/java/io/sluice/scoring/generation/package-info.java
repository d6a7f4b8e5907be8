/**
 * Continues a text with a language model's bundle: the job {@code generate}.
 *
 * <p>Main type: {@link io.sluice.scoring.generation.TextGenerator}. Depends on the bundle, whose
 * encoder reads the prompt as the model's dataset was read, and on no Spark: it runs where it is
 * called.
 *
 * <p>The decision worth knowing: the prompt is read once. What the network carries from token to
 * token stays in memory, so a token costs one time step, however long the text has become.
 */
package io.sluice.scoring.generation;
