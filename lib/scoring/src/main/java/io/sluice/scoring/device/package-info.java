/**
 * Which device a Spark task computes on: between Spark's resource scheduling and the kernels.
 *
 * <p>Main types: {@link io.sluice.scoring.device.TaskDevice}, in a task, and {@link
 * io.sluice.scoring.device.GpuScheduling}, on the driver. Depends on Spark and {@code
 * recurrent.kernel}; training's ranks use it too.
 *
 * <p>The decision worth knowing: only stages that compute recurrent layers ask for a GPU. Where
 * executors have GPUs and {@code spark.task.resource.gpu.amount} is not set, everything else runs
 * on all cores, and those stages have a profile of one GPU a task. Spark 3.5 knows such profiles
 * without dynamic allocation on its standalone clusters, YARN and Kubernetes. Who sets the amount
 * has it for all stages, preparation included, and may let tasks share a GPU by one below 1.
 */
package io.sluice.scoring.device;
