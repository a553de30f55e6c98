/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.c: loads a plugin in a child process, which tells what it saw through a pipe.
 *
 * To load a plugin is to run its constructors, and those of whatever it links. One that
 * crashes, hangs or prints is to be a line in a table, not the end of the command.
 *
 * Invariants: the child has nothing but /dev/null and the pipe; what comes through it is
 * bounded in size and time and checked before it is believed.
 *
 * Failure modes: none of the caller's: each becomes the reason in the answer. */

#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cask/cask.h>
#include <cask/cask-plugin.h>

#define PROBE_FD 3
#define PROBE_LIMIT ((gsize) 1024 * 1024)
#define PROBE_TIMEOUT_SECONDS 10

/* How the reading of an answer ended. */
typedef enum
{
  PROBE_WHOLE,
  PROBE_LATE,
  PROBE_LARGE
} ProbeEnd;

static GVariant *probe_fail (guint code, const char *format, ...) G_GNUC_PRINTF (2, 3);

static GVariant *
probe_fail (guint code, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_autofree char *reason = g_utf8_make_valid (message, -1);
  GVariantDict answer;
  g_variant_dict_init (&answer, NULL);
  g_variant_dict_insert (&answer, PROBE_REASON, "s", reason);
  g_variant_dict_insert (&answer, PROBE_CODE, "u", code);
  return g_variant_ref_sink (g_variant_dict_end (&answer));
}

/* ---- The child ---- */

static void
probe_insert_text (GVariantDict *answer, const char *key, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text ? text : "", -1);
  g_variant_dict_insert (answer, key, "s", valid);
}

/* Those that are to be shown. */
static GVariant *
probe_describe_options (const CaskPluginInfo *info)
{
  GVariantBuilder options;
  g_variant_builder_init (&options, G_VARIANT_TYPE ("a" PROBE_OPTION_TYPE));
  for (guint i = 0; i < cask_plugin_info_get_n_options (info); i++)
    {
      if (cask_plugin_info_is_option_deprecated (info, i))
        continue;
      const char *fallback = cask_plugin_info_get_option_fallback (info, i);
      g_autofree char *name =
          g_utf8_make_valid (cask_plugin_info_get_option_name (info, i), -1);
      g_autofree char *type =
          g_utf8_make_valid (cask_plugin_info_get_option_type (info, i), -1);
      g_autofree char *help =
          g_utf8_make_valid (cask_plugin_info_get_option_help (info, i), -1);
      g_autofree char *valid_fallback = g_utf8_make_valid (fallback ? fallback : "", -1);
      g_variant_builder_add (&options, PROBE_OPTION_TYPE, name, type, help,
                             valid_fallback,
                             cask_plugin_info_is_option_required (info, i));
    }
  return g_variant_builder_end (&options);
}

static GVariant *
probe_describe (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskPluginInfo) info = cask_plugin_info_new (name, &error);
  if (!info)
    return probe_fail ((guint) error->code, "%s", error->message);

  g_autofree char *abi = g_strdup_printf ("%u.%u", CASK_PLUGIN_ABI_MAJOR,
                                          cask_plugin_info_get_abi_minor (info));
  GVariantDict answer;
  g_variant_dict_init (&answer, NULL);
  probe_insert_text (&answer, PROBE_VERSION, cask_plugin_info_get_version (info));
  probe_insert_text (&answer, PROBE_ABI, abi);
  probe_insert_text (&answer, PROBE_SUMMARY, cask_plugin_info_get_summary (info));
  probe_insert_text (&answer, PROBE_LICENSE, cask_plugin_info_get_license (info));
  probe_insert_text (&answer, PROBE_HOMEPAGE, cask_plugin_info_get_homepage (info));
  probe_insert_text (&answer, PROBE_PATH, cask_plugin_info_get_path (info));
  g_variant_dict_insert (&answer, PROBE_KIND, "u", cask_plugin_info_get_kind (info));
  g_variant_dict_insert (&answer, PROBE_LOCATION, "u",
                         cask_plugin_info_get_location (info));
  g_variant_dict_insert (&answer, PROBE_CHILDREN, "(uu)",
                         cask_plugin_info_get_min_children (info),
                         cask_plugin_info_get_max_children (info));
  g_variant_dict_insert (&answer, PROBE_CAPABILITIES, "t",
                         (guint64) cask_plugin_info_get_capabilities (info));
  g_variant_dict_insert_value (&answer, PROBE_OPTIONS, probe_describe_options (info));
  return g_variant_ref_sink (g_variant_dict_end (&answer));
}

/* Never returns. The process ends without exit handlers: the plugin's are among them. */
void
probe_answer (const char *name)
{
  static const struct rlimit no_core = { 0, 0 };
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  setrlimit (RLIMIT_CORE, &no_core);

  g_autoptr (GVariant) answer = probe_describe (name);
  const char *data = g_variant_get_data (answer);
  gsize left = g_variant_get_size (answer);
  while (left > 0)
    {
      gssize count = write (PROBE_FD, data, left);
      if (count < 0 && errno != EINTR)
        _exit (1);
      data += MAX (count, 0);
      left -= (gsize) MAX (count, 0);
    }
  _exit (0);
}

/* ---- The parent ---- */

typedef struct
{
  pid_t pid; /* and its process group's */
  int pipe;
  int handle; /* a pidfd, or -1 where the kernel has none */
  gint64 deadline_usec;
} ProbeChild;

/* The child leads a group of its own, so that what its plugin starts ends with it. */
static int
probe_spawn (const char *name, int pipe_fd, pid_t *child)
{
  g_autofree char *option = g_strdup_printf ("--probe=%s", name);
  char *const arguments[] = { "cask", "plugins", option, NULL };
  posix_spawnattr_t attributes;
  posix_spawnattr_init (&attributes);
  posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup (&attributes, 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen (&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen (&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2 (&actions, pipe_fd, PROBE_FD);
  posix_spawn_file_actions_addclosefrom_np (&actions, PROBE_FD + 1);
  int code =
      posix_spawn (child, "/proc/self/exe", &actions, &attributes, arguments, environ);
  posix_spawn_file_actions_destroy (&actions);
  posix_spawnattr_destroy (&attributes);
  return code;
}

/* Waits for an answer or for the child's end. pipe: may be -1, for the end alone.
 * Returns: FALSE where the deadline passes before either. */
static gboolean
probe_wait (const ProbeChild *child, int pipe, gboolean *ended)
{
  for (;;)
    {
      gint64 left_usec = child->deadline_usec - g_get_monotonic_time ();
      if (left_usec <= 0)
        return FALSE;
      struct pollfd ready[] = { { .fd = pipe, .events = POLLIN },
                                { .fd = child->handle, .events = POLLIN } };
      int count = poll (ready, G_N_ELEMENTS (ready), (int) (left_usec / 1000) + 1);
      *ended = count > 0 && ready[1].revents != 0;
      if (count > 0)
        return TRUE;
      if (count < 0 && errno != EINTR)
        return FALSE;
    }
}

/* Reads until the pipe is closed or the child has ended: a process that the plugin
 * started may hold the pipe for longer. */
static ProbeEnd
probe_read (const ProbeChild *child, GByteArray *answer)
{
  gboolean ended = FALSE;
  for (;;)
    {
      if (!ended && !probe_wait (child, child->pipe, &ended))
        return PROBE_LATE;
      guint8 buffer[16384];
      gssize count = read (child->pipe, buffer, sizeof buffer);
      if (count == 0 || (count < 0 && ended && errno == EAGAIN))
        return PROBE_WHOLE;
      if (count < 0 && errno != EINTR && errno != EAGAIN)
        return PROBE_LATE;
      if (count > 0 && answer->len + (gsize) count > PROBE_LIMIT)
        return PROBE_LARGE;
      g_byte_array_append (answer, buffer, (guint) MAX (count, 0));
    }
}

/* One that has closed the pipe is about to end, unless its plugin did that: it gets until
 * the deadline, so that the status is its own. */
static ProbeEnd
probe_reap (const ProbeChild *child, ProbeEnd end, int *status)
{
  gboolean ended;
  if (end == PROBE_WHOLE && child->handle >= 0 && !probe_wait (child, -1, &ended))
    end = PROBE_LATE;
  /* And its own process, which may have gone over to another group. */
  kill (-child->pid, SIGKILL);
  kill (child->pid, SIGKILL);
  while (waitpid (child->pid, status, 0) < 0 && errno == EINTR)
    continue;
  return end;
}

/* What a plugin did to the process that was to load it. */
static GVariant *
probe_fail_fatal (const char *subject, const char *deed)
{
  return probe_fail (CASK_ERROR_PLUGIN_INVALID,
                     "%s: %s: mend its constructors, or take it off the search path",
                     subject, deed);
}

static GVariant *
probe_parse (GByteArray *bytes, int status, const char *subject)
{
  g_autofree char *deed = NULL;
  if (WIFSIGNALED (status))
    deed = g_strdup_printf ("killed by signal %d (%s) when loaded", WTERMSIG (status),
                            strsignal (WTERMSIG (status)));
  else if (status != 0 || bytes->len == 0)
    deed = g_strdup_printf ("ended the process with status %d when loaded",
                            WEXITSTATUS (status));
  if (deed)
    return probe_fail_fatal (subject, deed);
  g_autoptr (GBytes) content = g_bytes_new (bytes->data, bytes->len);
  g_autoptr (GVariant) answer = g_variant_ref_sink (
      g_variant_new_from_bytes (G_VARIANT_TYPE_VARDICT, content, FALSE));
  if (!g_variant_is_normal_form (answer))
    return probe_fail_fatal (subject, "disturbed the process that loaded it");
  return g_steal_pointer (&answer);
}

/* A reason that names no file, such as that of a name which no plugin can have, is told
 * of the one that was asked about. Takes answer. */
static GVariant *
probe_with_file (GVariant *answer, const char *path)
{
  const char *reason = NULL;
  guint32 code = CASK_ERROR_PLUGIN_INVALID;
  if (!path || !g_variant_lookup (answer, PROBE_REASON, "&s", &reason) ||
      reason[0] == '/')
    return answer;
  g_autoptr (GVariant) bare = answer;
  g_variant_lookup (bare, PROBE_CODE, "u", &code);
  return probe_fail (code, "%s: %s", path, reason);
}

/* What became of a child that was started. */
static GVariant *
probe_listen (ProbeChild *child, const char *subject)
{
  int status = 0;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  child->deadline_usec =
      g_get_monotonic_time () + PROBE_TIMEOUT_SECONDS * (gint64) G_USEC_PER_SEC;
  child->handle = pidfd_open (child->pid, 0);
  ProbeEnd end = probe_reap (child, probe_read (child, bytes), &status);
  if (child->handle >= 0)
    close (child->handle);
  if (end == PROBE_LATE)
    return probe_fail_fatal (
        subject, "no answer within " G_STRINGIFY (PROBE_TIMEOUT_SECONDS) " seconds");
  if (end == PROBE_LARGE)
    return probe_fail (CASK_ERROR_PLUGIN_INVALID,
                       "%s: it says more than 1 MiB of itself: shorten its texts, or "
                       "take it off the search path",
                       subject);
  return probe_parse (bytes, status, subject);
}

/* Returns: (transfer full): the answer about the plugin of that name */
GVariant *
probe_plugin (const char *name, const char *path)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) != 0)
    return probe_fail (CASK_ERROR_IO, "pipe: %s", g_strerror (errno));
  /* This end only: the child writes until all of it is taken. */
  fcntl (ends[0], F_SETFL, O_NONBLOCK);
  ProbeChild child = { .pipe = ends[0] };
  int code = probe_spawn (name, ends[1], &child.pid);
  close (ends[1]);
  GVariant *answer =
      code != 0
          ? probe_fail (CASK_ERROR_IO, "cannot start a process: %s", g_strerror (code))
          : probe_with_file (probe_listen (&child, path ? path : name), path);
  close (ends[0]);
  return answer;
}

GVariant *
probe_hidden (const char *path, const char *hidden_by)
{
  return probe_fail (CASK_ERROR_PLUGIN_NOT_FOUND,
                     "%s: hidden by %s, which is searched first: remove one of them",
                     path, hidden_by);
}
