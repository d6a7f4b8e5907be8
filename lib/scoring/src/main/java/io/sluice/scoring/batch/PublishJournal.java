package io.sluice.scoring.batch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.sluice.failure.OperationFailedException;
import java.util.List;

/**
 * The commit of a publication: what the covered partitions of one model hold once the run is
 * published. A journal that exists will be carried out, by its writer or by whoever comes next.
 *
 * @param format {@value #FORMAT}
 * @param runId the run that staged the files
 * @param model whose partitions are replaced
 * @param writtenAt ISO 8601
 * @param partitions the covered partitions
 */
record PublishJournal(
    String format, String runId, String model, String writtenAt, List<Partition> partitions) {
  static final String FORMAT = "predictions-journal.v1";

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /**
   * One partition after the swap.
   *
   * @param name {@code date=…}
   * @param files all its files; none = the partition is emptied
   */
  record Partition(String name, List<StagedFile> files) {}

  /** A file by name and length in bytes: enough to tell whether a swap is complete. */
  record StagedFile(String name, long length) {}

  String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a journal of strings and numbers is always JSON", e);
    }
  }

  static PublishJournal parse(String path, String json) {
    PublishJournal journal;
    try {
      journal = JSON.readValue(json, PublishJournal.class);
    } catch (JsonProcessingException e) {
      throw new OperationFailedException(
          "Cannot finish a publication: its journal %s is not readable (%s). Journals are written with one rename, so something else wrote or damaged it; restore it, or delete it to keep the rows as they are."
              .formatted(path, e.getOriginalMessage()),
          e);
    }
    if (!FORMAT.equals(journal.format())) {
      throw new OperationFailedException(
          "Cannot finish a publication: its journal %s has format %s, this version knows %s. Finish it with the version that wrote it."
              .formatted(path, journal.format(), FORMAT));
    }
    return journal;
  }
}
