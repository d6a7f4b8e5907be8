/**
 * A replica of the network over several ranks: each holds some of its layers, a pipeline stage.
 *
 * <p>Main type: {@link io.sluice.training.pipeline.PipelineStepper}, the steps of one rank. {@link
 * io.sluice.training.loop.PipelineLayout} says which stage of which replica a rank is, {@link
 * io.sluice.training.pipeline.LinkedStages} is how stages reach each other. What a stage computes
 * is in {@code recurrent.pipeline}; how ranks are started, watched and started again is in {@code
 * training.sharing}, which runs replicas of one stage and of several alike.
 *
 * <p>Depends on {@code recurrent.pipeline}, {@code training.loop}, {@code training.allreduce},
 * {@code training.checkpoint} and {@code training.transport}.
 *
 * <p>The decision worth knowing: the loop of a run is that of every other strategy, once on each
 * rank, over that rank's part of the network. Checkpoints, the best parameters, averages and early
 * stopping then need nothing of their own: a rank keeps its part of each, and all ranks come to the
 * same decisions because all see the same losses. What the clock decides is the first stage's word,
 * which goes up before each step. Streams of text leave the states of a stage's layers on its rank,
 * and in its part of a checkpoint.
 *
 * <p><b>Where the limit lies.</b> B, T, I, H, layers = 64, 100, 64, 512, 4 with Adam, a core a rank
 * ({@code lib/benchmarks/run.sh pipeline}, {@code pipeline.json}): a step takes one rank 2.94 s and
 * two stages 1.80 s, of which they compute 1.35 and 1.71 s; the schedule played with these gives
 * 1.79 s. In windows/s two are 1.63 times one (1.61, 1.63 and 1.64 in three rounds; two runs that
 * share nothing but the machine, 1.97). The larger stage holds half of what one rank holds. What is
 * missing from twice:
 *
 * <ul>
 *   <li>unequal stages, 12 %: the lowest layer has few inputs and no gradient of them, and only
 *       whole layers can be placed ({@code train.pipeline.placement});
 *   <li>filling and draining, 5 %: a chunk up and a chunk down of the lower stage, of 16 ({@code
 *       train.pipeline.time-chunk}; shorter ones win little, because products of few rows are
 *       slower);
 *   <li>products of fewer rows, sending, and what else two ranks do twice, 4 %: 12.5 MiB up and
 *       down ({@code train.pipeline.wire}).
 * </ul>
 *
 * <p><b>Considered:</b> every stage reading the windows. It saves sending labels, which are a
 * hundredth of the activations, and has each replica read the lake P times.
 */
package io.sluice.training.pipeline;
