/**
 * DL4J layers over the recurrent kernels.
 *
 * <p>Main type: {@link io.sluice.recurrent.layer.Recurrent}, the configuration of one recurrent
 * layer; it goes where DL4J's {@code LSTM} goes: into a {@code MultiLayerNetwork} or {@code
 * ComputationGraph}, into {@code Bidirectional} and {@code LastTimeStep}, through {@code
 * ModelSerializer} and dl4j-spark. Depends on {@code recurrent.kernel}, {@code recurrent.dropout},
 * {@code recurrent.pass} and DL4J.
 *
 * <p>{@link io.sluice.recurrent.layer.BidirectionalRecurrent} reads in both directions. It takes
 * the place of DL4J's {@code Bidirectional}, which works too and reverses copies in time.
 *
 * <p>On a GPU neighbouring layers that are alike compute in one call where nobody looks at what is
 * between them: {@link io.sluice.recurrent.layer.StackedPass}.
 *
 * <p>Activations are time-major inside: a layer gives DL4J a (B, H, T) view of (T, B, H) memory and
 * takes such a view without copying, so a stack copies only its first input. Class names and
 * property names are part of the JSON in a model.zip.
 */
package io.sluice.recurrent.layer;
