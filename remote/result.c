/* SPDX-License-Identifier: Apache-2.0 */
/* Releases what the table's functions fill. Linked into both sides: each releases what it holds. */
#include <stdlib.h>

#include "remote/remote.h"

void zca_whoami_clear(struct zca_whoami *whoami)
{
    free(whoami->subject);
    free(whoami->role);
    free(whoami->organization);
    *whoami = (struct zca_whoami){0};
}

void zca_ticket_clear(struct zca_ticket *ticket)
{
    free(ticket->id);
    zca_buffer_clear(&ticket->reply);
    *ticket = (struct zca_ticket){0};
}

void zca_issued_clear(struct zca_issued *issued)
{
    free(issued->id);
    zca_buffer_clear(&issued->certificates);
    zca_buffer_clear(&issued->private_key);
    *issued = (struct zca_issued){0};
}

static void clear_record(struct zca_record *record)
{
    free(record->id);
    free(record->serial);
    free(record->name);
    free(record->fingerprint);
    free(record->reason);
    zca_buffer_clear(&record->certificate);
}

void zca_record_list_clear(struct zca_record_list *list)
{
    for (size_t i = 0; i < list->num_records; i++) {
        clear_record(&list->records[i]);
    }
    free(list->records);
    *list = (struct zca_record_list){0};
}
