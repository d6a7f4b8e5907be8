/**
 * Everything that happens to a model after training: the bundle it travels in, evaluation against
 * baselines, and batch scoring into the lake.
 *
 * <p>Rooms: {@code bundle} opens and publishes model bundles and predicts without Spark; {@code
 * evaluation} judges a bundle on a dataset; {@code explanation} weighs the words of documents;
 * {@code batch} scores new raw data and writes the predictions table; {@code generation} continues
 * a text with a language model; {@code device} says which GPU a task computes on. Depends on
 * sequences and recurrent, never on training: a bundle is all that a trained network leaves behind,
 * so whatever trained it can change without a change here.
 */
package io.sluice.scoring;
