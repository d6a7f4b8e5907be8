/**
 * Networks whose layers are spread over pipeline stages: which stage holds which layers, in which
 * order each computes, and what a stage computes.
 *
 * <p>Main types: {@link io.sluice.recurrent.pipeline.Placement} and {@link
 * io.sluice.recurrent.pipeline.Schedule} say where and when; {@link
 * io.sluice.recurrent.pipeline.StageNetwork} holds one stage's layers and {@link
 * io.sluice.recurrent.pipeline.StageStep} trains them, with neighbours that it reaches through
 * {@link io.sluice.recurrent.pipeline.StageLinks}. {@link
 * io.sluice.recurrent.pipeline.PipelinePlan} chooses placement, time chunk and micro-batches before
 * anything runs, and says what they cost. Depends on DL4J, {@code recurrent.layer}, {@code
 * recurrent.embedding}, {@code recurrent.head}, {@code recurrent.model}, {@code recurrent.memory},
 * {@code recurrent.kernel} and {@code recurrent.optim}; knows no network and no Spark.
 *
 * <p>The decision worth knowing: the unit of the pipeline is a time chunk of a micro-batch. A layer
 * may begin a chunk when the one below has finished it, because a recurrent layer reads forward in
 * time; the way back goes through the chunks in reverse, states' gradients included, so nothing is
 * truncated. A pipeline of K chunks fills and drains in the K-th part of the time that one of whole
 * micro-batches takes, and small batches, whose matrix products are slow, need not be cut smaller
 * still. A bidirectional layer needs the whole series: there K is 1.
 *
 * <p>An embedding belongs to the lowest recurrent layer: it multiplies nothing, and by itself on a
 * stage it would send E numbers for each id that it was sent. A head that is tied to it may be at
 * the other end: it computes with a copy of the rows, sent before each step, and sends their
 * gradient back. That is V·E numbers each way and step, beside the activations; the first stage has
 * the gradient before it needs it, because the head is done first.
 *
 * <p>Series of different length are computed to the end of the longest of their batch. What follows
 * an end has no gradient, so forward layers need not know of it; a direction that reads the end
 * first is given series that are moved to end together. In one process such steps are left out
 * ({@code MaskedRecurrence}); batches of like length have few of them, and a chunk is one kernel
 * call.
 *
 * <p><b>Considered:</b> the softmax of large vocabularies chunk by chunk, as outputs arrive. It
 * would overlap with what is below; but it computes a few rows at a time already, and dropout and
 * regularisation below it are of whole series.
 *
 * <p><b>Considered:</b> DL4J's layers as they are, one network a stage. They keep one pass at a
 * time, and their backward pass takes no gradient of a state, so neither two micro-batches under
 * way nor chunks can be had of them; what is above the recurrent layers needs neither and is run
 * so.
 *
 * <p><b>Considered:</b> computing a chunk's forward pass again on the way back instead of keeping
 * it (GPipe). A third more arithmetic; with chunks, one micro-batch and a little is all that is
 * kept.
 *
 * <p><b>Considered:</b> timing each layer before the first step instead of modelling it. Ranks
 * whose timings differ by noise would disagree on the placement, and a resumed run with its first
 * one; a model says the same everywhere, and only the ratio of layers matters to the cut.
 */
package io.sluice.recurrent.pipeline;
