package io.sluice.training.async;

import java.io.Serializable;
import java.time.Duration;

/**
 * Settings of asynchronous gradient sharing.
 *
 * @param address of the driver on the executors' network; empty for {@code spark.driver.host}
 * @param port UDP port of the driver
 * @param executorPort first of 16 UDP ports of which an executor takes one that is free; 0 for any
 * @param threshold gradient elements below it wait in the residual; where encoding starts from, it
 *     adapts
 * @param handshakeTimeout how long a process waits for another that should answer
 * @param stallTimeout how long the run may go on without an update that reaches the driver
 * @param acceptUnauthenticated runs although {@code spark.authenticate} asks for more than UDP has
 */
public record AsyncSettings(
    String address,
    int port,
    int executorPort,
    double threshold,
    Duration handshakeTimeout,
    Duration stallTimeout,
    boolean acceptUnauthenticated)
    implements Serializable {}
