/**
 * What a network is: a description in our own words, and the one place that makes a DL4J network of
 * it.
 *
 * <p>Main types: {@link io.sluice.recurrent.model.ModelSpec} (written into every model bundle),
 * {@link io.sluice.recurrent.model.ModelSettings} (section {@code model} of the settings) and
 * {@link io.sluice.recurrent.model.Networks}. Depends on DL4J and on {@code recurrent.layer},
 * {@code recurrent.head}, {@code recurrent.optim} and {@code recurrent.loss}.
 *
 * <p>The decision worth knowing: nothing outside {@code Networks} builds a DL4J configuration, so
 * which layers a model has is decided there and nowhere else.
 */
package io.sluice.recurrent.model;
