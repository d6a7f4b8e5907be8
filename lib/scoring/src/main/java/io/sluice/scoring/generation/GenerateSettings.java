package io.sluice.scoring.generation;

import io.sluice.config.ConfigReader;
import io.sluice.recurrent.kernel.DeviceChoice;
import java.util.Optional;

/**
 * Settings of the {@code generate} job. Defaults live in {@code conf/reference.conf} and nowhere
 * else.
 *
 * @param name of the model in the registry; used where {@code bundle} is {@code latest}
 * @param bundle a bundle folder, or {@code latest}
 * @param registry where bundles are published
 * @param device where to compute
 * @param prompt what is continued; empty = the beginning of a line
 * @param tokens how many follow
 * @param temperature probabilities to the power of its inverse; 0 = always the most probable token
 * @param topK only so many most probable tokens are drawn from; 0 = all
 * @param seed of the draws
 */
public record GenerateSettings(
    String name,
    String bundle,
    String registry,
    DeviceChoice device,
    Optional<String> prompt,
    int tokens,
    double temperature,
    int topK,
    long seed) {

  /** Reads the section {@code generate} and what it shares with the other jobs. */
  public static GenerateSettings from(ConfigReader root) {
    String name = root.string("name");
    String registry = root.section("registry", r -> r.string("path"));
    DeviceChoice device = root.choice("device", DeviceChoice.class);
    return root.section(
        "generate",
        s ->
            new GenerateSettings(
                name,
                s.string("bundle"),
                registry,
                device,
                s.optionalString("prompt"),
                s.intBetween("tokens", 1, 1_000_000),
                s.numberBetween("temperature", 0, 100),
                s.intAtLeast("top-k", 0),
                s.longValue("seed")));
  }
}
