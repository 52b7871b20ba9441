"""The WBXML code pages of Exchange ActiveSync: which tag a page and a token stand for.

Source: MS-ASWBXML 2.1.2.1 (v22.2), completed from a dozen other implementations for the tags that it no longer prints
(AirNotify, bodies and attachments of EAS 2.5). Written once from `wbxml_codepages.csv`; a test compares the two.

In the tables below an entry is `token Tag version`: the token in hexadecimal, and the first protocol version that may
send it ("reserved": some table names the number, but no version is known to send it). Pages and tags that are missing
here are not an error on the wire: `tag_name` and `page_name` answer with their numbers.
"""

from typing import NamedTuple


class CodePage(NamedTuple):
    """One code page: a namespace of up to 59 tags."""

    number: int
    name: str  # as MS-ASWBXML heads the page
    namespace: str  # as in MS-ASCMD's XML
    tags: dict[int, str]  # token (0x05 to 0x3F) to tag
    min_versions: dict[int, str]  # token to the first protocol version with it, "2.5" or "reserved"


def _page(number: int, name: str, namespace: str, table: str) -> CodePage:
    entries = [entry.split() for entry in table.replace("\n", " ").split(",")]
    return CodePage(
        number,
        name,
        namespace,
        {int(token, 16): tag for token, tag, _ in entries},
        {int(token, 16): version for token, _, version in entries},
    )


# fmt: off
_TABLE = (
    _page(0, "AirSync", "AirSync", """
        05 Sync 2.5, 06 Responses 2.5, 07 Add 2.5, 08 Change 2.5, 09 Delete 2.5, 0A Fetch 2.5, 0B SyncKey 2.5,
        0C ClientId 2.5, 0D ServerId 2.5, 0E Status 2.5, 0F Collection 2.5, 10 Class 2.5, 11 Version 1.0,
        12 CollectionId 2.5, 13 GetChanges 2.5, 14 MoreAvailable 2.5, 15 WindowSize 2.5, 16 Commands 2.5,
        17 Options 2.5, 18 FilterType 2.5, 19 Truncation 1.0, 1A RTFTruncation 1.0, 1B Conflict 2.5, 1C Collections 2.5,
        1D ApplicationData 2.5, 1E DeletesAsMoves 2.5, 1F NotifyGUID 2.0, 20 Supported 2.5, 21 SoftDelete 2.5,
        22 MIMESupport 2.5, 23 MIMETruncation 2.5, 24 Wait 12.1, 25 Limit 12.1, 26 Partial 12.1,
        27 ConversationMode 14.0, 28 MaxItems 14.0, 29 HeartbeatInterval 14.0
    """),
    _page(1, "Contacts", "Contacts", """
        05 Anniversary 2.5, 06 AssistantName 2.5, 07 AssistantPhoneNumber 2.5, 08 Birthday 2.5, 09 Body 1.0,
        0A BodySize 1.0, 0B BodyTruncated 1.0, 0C Business2PhoneNumber 2.5, 0D BusinessAddressCity 2.5,
        0E BusinessAddressCountry 2.5, 0F BusinessAddressPostalCode 2.5, 10 BusinessAddressState 2.5,
        11 BusinessAddressStreet 2.5, 12 BusinessFaxNumber 2.5, 13 BusinessPhoneNumber 2.5, 14 CarPhoneNumber 2.5,
        15 Categories 2.5, 16 Category 2.5, 17 Children 2.5, 18 Child 2.5, 19 CompanyName 2.5, 1A Department 2.5,
        1B Email1Address 2.5, 1C Email2Address 2.5, 1D Email3Address 2.5, 1E FileAs 2.5, 1F FirstName 2.5,
        20 Home2PhoneNumber 2.5, 21 HomeAddressCity 2.5, 22 HomeAddressCountry 2.5, 23 HomeAddressPostalCode 2.5,
        24 HomeAddressState 2.5, 25 HomeAddressStreet 2.5, 26 HomeFaxNumber 2.5, 27 HomePhoneNumber 2.5,
        28 JobTitle 2.5, 29 LastName 2.5, 2A MiddleName 2.5, 2B MobilePhoneNumber 2.5, 2C OfficeLocation 2.5,
        2D OtherAddressCity 2.5, 2E OtherAddressCountry 2.5, 2F OtherAddressPostalCode 2.5, 30 OtherAddressState 2.5,
        31 OtherAddressStreet 2.5, 32 PagerNumber 2.5, 33 RadioPhoneNumber 2.5, 34 Spouse 2.5, 35 Suffix 2.5,
        36 Title 2.5, 37 WebPage 2.5, 38 YomiCompanyName 2.5, 39 YomiFirstName 2.5, 3A YomiLastName 2.5,
        3B CompressedRTF 1.0, 3C Picture 2.5, 3D Alias 14.0, 3E WeightedRank 14.0
    """),
    _page(2, "Email", "Email", """
        05 Attachment 1.0, 06 Attachments 1.0, 07 AttName 1.0, 08 AttSize 1.0, 09 AttOid 1.0, 0A AttMethod 1.0,
        0B AttRemoved 1.0, 0C Body 1.0, 0D BodySize 1.0, 0E BodyTruncated 1.0, 0F DateReceived 2.5, 10 DisplayName 1.0,
        11 DisplayTo 2.5, 12 Importance 2.5, 13 MessageClass 2.5, 14 Subject 2.5, 15 Read 2.5, 16 To 2.5, 17 Cc 2.5,
        18 From 2.5, 19 ReplyTo 2.5, 1A AllDayEvent 2.5, 1B Categories 14.0, 1C Category 14.0, 1D DtStamp 2.5,
        1E EndTime 2.5, 1F InstanceType 2.5, 20 BusyStatus 2.5, 21 Location 2.5, 22 MeetingRequest 2.5,
        23 Organizer 2.5, 24 RecurrenceId 2.5, 25 Reminder 2.5, 26 ResponseRequested 2.5, 27 Recurrences 2.5,
        28 Recurrence 2.5, 29 Type 2.5, 2A Until 2.5, 2B Occurrences 2.5, 2C Interval 2.5, 2D DayOfWeek 2.5,
        2E DayOfMonth 2.5, 2F WeekOfMonth 2.5, 30 MonthOfYear 2.5, 31 StartTime 2.5, 32 Sensitivity 2.5,
        33 TimeZone 2.5, 34 GlobalObjId 2.5, 35 ThreadTopic 2.5, 36 MIMEData 2.5, 37 MIMETruncated 2.5, 38 MIMESize 2.5,
        39 InternetCPID 2.5, 3A Flag 12.0, 3B Status 12.0, 3C ContentClass 12.0, 3D FlagType 12.0, 3E CompleteTime 12.0,
        3F DisallowNewTimeProposal 14.0
    """),
    _page(3, "AirNotify", "AirNotify", """
        05 Notify 2.0, 06 Notification 2.0, 07 Version 2.0, 08 Lifetime 2.0, 09 DeviceInfo 2.0, 0A Enable 2.0,
        0B Folder 2.0, 0C ServerId 2.0, 0D DeviceAddress 2.0, 0E ValidCarrierProfiles 2.0, 0F CarrierProfile 2.0,
        10 Status 2.0, 11 Responses 2.0, 12 Devices 2.0, 13 Device 2.0, 14 Id 2.0, 15 Expiry 2.0, 16 NotifyGUID 2.0,
        17 DeviceFriendlyName 2.0
    """),
    _page(4, "Calendar", "Calendar", """
        05 Timezone 2.5, 06 AllDayEvent 2.5, 07 Attendees 2.5, 08 Attendee 2.5, 09 Email 2.5, 0A Name 2.5, 0B Body 1.0,
        0C BodyTruncated 1.0, 0D BusyStatus 2.5, 0E Categories 2.5, 0F Category 2.5, 10 CompressedRTF 1.0,
        11 DtStamp 2.5, 12 EndTime 2.5, 13 Exception 2.5, 14 Exceptions 2.5, 15 Deleted 2.5, 16 ExceptionStartTime 2.5,
        17 Location 2.5, 18 MeetingStatus 2.5, 19 OrganizerEmail 2.5, 1A OrganizerName 2.5, 1B Recurrence 2.5,
        1C Type 2.5, 1D Until 2.5, 1E Occurrences 2.5, 1F Interval 2.5, 20 DayOfWeek 2.5, 21 DayOfMonth 2.5,
        22 WeekOfMonth 2.5, 23 MonthOfYear 2.5, 24 Reminder 2.5, 25 Sensitivity 2.5, 26 Subject 2.5, 27 StartTime 2.5,
        28 UID 2.5, 29 AttendeeStatus 12.0, 2A AttendeeType 12.0, 2B Attachment reserved, 2C Attachments reserved,
        2D AttName reserved, 2E AttSize reserved, 2F AttOid reserved, 30 AttMethod reserved, 31 AttRemoved reserved,
        32 DisplayName reserved, 33 DisallowNewTimeProposal 14.0, 34 ResponseRequested 14.0,
        35 AppointmentReplyTime 14.0, 36 ResponseType 14.0, 37 CalendarType 14.0, 38 IsLeapMonth 14.0,
        39 FirstDayOfWeek 14.1, 3A OnlineMeetingConfLink 14.1, 3B OnlineMeetingExternalLink 14.1, 3C ClientUid 16.0
    """),
    _page(5, "Move", "Move", """
        05 MoveItems 2.5, 06 Move 2.5, 07 SrcMsgId 2.5, 08 SrcFldId 2.5, 09 DstFldId 2.5, 0A Response 2.5,
        0B Status 2.5, 0C DstMsgId 2.5
    """),
    _page(6, "GetItemEstimate", "GetItemEstimate", """
        05 GetItemEstimate 2.5, 06 Version 1.0, 07 Collections 2.5, 08 Collection 2.5, 09 Class 2.5,
        0A CollectionId 2.5, 0B DateTime 1.0, 0C Estimate 2.5, 0D Response 2.5, 0E Status 2.5
    """),
    _page(7, "FolderHierarchy", "FolderHierarchy", """
        05 Folders 2.5, 06 Folder 2.5, 07 DisplayName 2.5, 08 ServerId 2.5, 09 ParentId 2.5, 0A Type 2.5,
        0B Response 1.0, 0C Status 2.5, 0D ContentClass 1.0, 0E Changes 2.5, 0F Add 2.5, 10 Delete 2.5, 11 Update 2.5,
        12 SyncKey 2.5, 13 FolderCreate 2.5, 14 FolderDelete 2.5, 15 FolderUpdate 2.5, 16 FolderSync 2.5, 17 Count 2.5,
        18 Version 1.0
    """),
    _page(8, "MeetingResponse", "MeetingResponse", """
        05 CalendarId 2.5, 06 CollectionId 2.5, 07 MeetingResponse 2.5, 08 RequestId 2.5, 09 Request 2.5, 0A Result 2.5,
        0B Status 2.5, 0C UserResponse 2.5, 0D Version 1.0, 0E InstanceId 14.1, 10 ProposedStartTime 16.1,
        11 ProposedEndTime 16.1, 12 SendResponse 16.0
    """),
    _page(9, "Tasks", "Tasks", """
        05 Body 2.5, 06 BodySize 2.5, 07 BodyTruncated 2.5, 08 Categories 2.5, 09 Category 2.5, 0A Complete 2.5,
        0B DateCompleted 2.5, 0C DueDate 2.5, 0D UtcDueDate 2.5, 0E Importance 2.5, 0F Recurrence 2.5, 10 Type 2.5,
        11 Start 2.5, 12 Until 2.5, 13 Occurrences 2.5, 14 Interval 2.5, 15 DayOfMonth 2.5, 16 DayOfWeek 2.5,
        17 WeekOfMonth 2.5, 18 MonthOfYear 2.5, 19 Regenerate 2.5, 1A DeadOccur 2.5, 1B ReminderSet 2.5,
        1C ReminderTime 2.5, 1D Sensitivity 2.5, 1E StartDate 2.5, 1F UtcStartDate 2.5, 20 Subject 2.5,
        21 CompressedRTF 2.5, 22 OrdinalDate 12.0, 23 SubOrdinalDate 12.0, 24 CalendarType 14.0, 25 IsLeapMonth 14.0,
        26 FirstDayOfWeek 14.1
    """),
    _page(10, "ResolveRecipients", "ResolveRecipients", """
        05 ResolveRecipients 2.5, 06 Response 2.5, 07 Status 2.5, 08 Type 2.5, 09 Recipient 2.5, 0A DisplayName 2.5,
        0B EmailAddress 2.5, 0C Certificates 2.5, 0D Certificate 2.5, 0E MiniCertificate 2.5, 0F Options 2.5, 10 To 2.5,
        11 CertificateRetrieval 2.5, 12 RecipientCount 2.5, 13 MaxCertificates 2.5, 14 MaxAmbiguousRecipients 2.5,
        15 CertificateCount 2.5, 16 Availability 14.0, 17 StartTime 14.0, 18 EndTime 14.0, 19 MergedFreeBusy 14.0,
        1A Picture 14.1, 1B MaxSize 14.1, 1C Data 14.1, 1D MaxPictures 14.1
    """),
    _page(11, "ValidateCert", "ValidateCert", """
        05 ValidateCert 2.5, 06 Certificates 2.5, 07 Certificate 2.5, 08 CertificateChain 2.5, 09 CheckCRL 2.5,
        0A Status 2.5
    """),
    _page(12, "Contacts2", "Contacts2", """
        05 CustomerId 2.5, 06 GovernmentId 2.5, 07 IMAddress 2.5, 08 IMAddress2 2.5, 09 IMAddress3 2.5,
        0A ManagerName 2.5, 0B CompanyMainPhone 2.5, 0C AccountName 2.5, 0D NickName 2.5, 0E MMS 2.5
    """),
    _page(13, "Ping", "Ping", """
        05 Ping 2.5, 06 AutdState 2.5, 07 Status 2.5, 08 HeartbeatInterval 2.5, 09 Folders 2.5, 0A Folder 2.5,
        0B Id 2.5, 0C Class 2.5, 0D MaxFolders 2.5, 0E Version 2.5
    """),
    _page(14, "Provision", "Provision", """
        05 Provision 2.5, 06 Policies 2.5, 07 Policy 2.5, 08 PolicyType 2.5, 09 PolicyKey 2.5, 0A Data 2.5,
        0B Status 2.5, 0C RemoteWipe 2.5, 0D EASProvisionDoc 12.0, 0E DevicePasswordEnabled 12.0,
        0F AlphanumericDevicePasswordRequired 12.0, 10 RequireStorageCardEncryption 12.1,
        11 PasswordRecoveryEnabled 12.0, 12 DocumentBrowseEnabled reserved, 13 AttachmentsEnabled 12.0,
        14 MinDevicePasswordLength 12.0, 15 MaxInactivityTimeDeviceLock 12.0, 16 MaxDevicePasswordFailedAttempts 12.0,
        17 MaxAttachmentSize 12.0, 18 AllowSimpleDevicePassword 12.0, 19 DevicePasswordExpiration 12.0,
        1A DevicePasswordHistory 12.0, 1B AllowStorageCard 12.1, 1C AllowCamera 12.1, 1D RequireDeviceEncryption 12.1,
        1E AllowUnsignedApplications 12.1, 1F AllowUnsignedInstallationPackages 12.1,
        20 MinDevicePasswordComplexCharacters 12.1, 21 AllowWiFi 12.1, 22 AllowTextMessaging 12.1,
        23 AllowPOPIMAPEmail 12.1, 24 AllowBluetooth 12.1, 25 AllowIrDA 12.1, 26 RequireManualSyncWhenRoaming 12.1,
        27 AllowDesktopSync 12.1, 28 MaxCalendarAgeFilter 12.1, 29 AllowHTMLEmail 12.1, 2A MaxEmailAgeFilter 12.1,
        2B MaxEmailBodyTruncationSize 12.1, 2C MaxEmailHTMLBodyTruncationSize 12.1, 2D RequireSignedSMIMEMessages 12.1,
        2E RequireEncryptedSMIMEMessages 12.1, 2F RequireSignedSMIMEAlgorithm 12.1,
        30 RequireEncryptionSMIMEAlgorithm 12.1, 31 AllowSMIMEEncryptionAlgorithmNegotiation 12.1,
        32 AllowSMIMESoftCerts 12.1, 33 AllowBrowser 12.1, 34 AllowConsumerEmail 12.1, 35 AllowRemoteDesktop 12.1,
        36 AllowInternetSharing 12.1, 37 UnapprovedInROMApplicationList 12.1, 38 ApplicationName 12.1,
        39 ApprovedApplicationList 12.1, 3A Hash 12.1, 3B AccountOnlyRemoteWipe 16.1
    """),
    _page(15, "Search", "Search", """
        05 Search 2.5, 06 Stores reserved, 07 Store 2.5, 08 Name 2.5, 09 Query 2.5, 0A Options 2.5, 0B Range 2.5,
        0C Status 2.5, 0D Response 2.5, 0E Result 2.5, 0F Properties 2.5, 10 Total 2.5, 11 EqualTo 12.0, 12 Value 12.0,
        13 And 12.0, 14 Or 12.0, 15 FreeText 12.0, 16 SubstringOp reserved, 17 DeepTraversal 12.0, 18 LongId 12.0,
        19 RebuildResults 12.0, 1A LessThan 12.0, 1B GreaterThan 12.0, 1C Schema 12.0, 1D Supported 12.0,
        1E UserName 12.1, 1F Password 12.1, 20 ConversationId 14.0, 21 Picture 14.1, 22 MaxSize 14.1,
        23 MaxPictures 14.1
    """),
    _page(16, "GAL", "Gal", """
        05 DisplayName 2.5, 06 Phone 2.5, 07 Office 2.5, 08 Title 2.5, 09 Company 2.5, 0A Alias 2.5, 0B FirstName 2.5,
        0C LastName 2.5, 0D HomePhone 2.5, 0E MobilePhone 2.5, 0F EmailAddress 2.5, 10 Picture 14.1, 11 Status 14.1,
        12 Data 14.1
    """),
    _page(17, "AirSyncBase", "AirSyncBase", """
        05 BodyPreference 12.0, 06 Type 12.0, 07 TruncationSize 12.0, 08 AllOrNone 12.0, 0A Body 12.0, 0B Data 12.0,
        0C EstimatedDataSize 12.0, 0D Truncated 12.0, 0E Attachments 12.0, 0F Attachment 12.0, 10 DisplayName 12.0,
        11 FileReference 12.0, 12 Method 12.0, 13 ContentId 12.0, 14 ContentLocation 12.0, 15 IsInline 12.0,
        16 NativeBodyType 12.0, 17 ContentType 12.0, 18 Preview 14.0, 19 BodyPartPreference 14.1, 1A BodyPart 14.1,
        1B Status 14.1, 1C Add 16.0, 1D Delete 16.0, 1E ClientId 16.0, 1F Content 16.0, 20 Location 16.0,
        21 Annotation 16.0, 22 Street 16.0, 23 City 16.0, 24 State 16.0, 25 Country 16.0, 26 PostalCode 16.0,
        27 Latitude 16.0, 28 Longitude 16.0, 29 Accuracy 16.0, 2A Altitude 16.0, 2B AltitudeAccuracy 16.0,
        2C LocationUri 16.0, 2D InstanceId 16.0
    """),
    _page(18, "Settings", "Settings", """
        05 Settings 12.0, 06 Status 12.0, 07 Get 12.0, 08 Set 12.0, 09 Oof 12.0, 0A OofState 12.0, 0B StartTime 12.0,
        0C EndTime 12.0, 0D OofMessage 12.0, 0E AppliesToInternal 12.0, 0F AppliesToExternalKnown 12.0,
        10 AppliesToExternalUnknown 12.0, 11 Enabled 12.0, 12 ReplyMessage 12.0, 13 BodyType 12.0,
        14 DevicePassword 12.0, 15 Password 12.0, 16 DeviceInformation 12.0, 17 Model 12.0, 18 IMEI 12.0,
        19 FriendlyName 12.0, 1A OS 12.0, 1B OSLanguage 12.0, 1C PhoneNumber 12.0, 1D UserInformation 12.0,
        1E EmailAddresses 12.0, 1F SMTPAddress 12.0, 20 UserAgent 12.1, 21 EnableOutboundSMS 14.0,
        22 MobileOperator 14.0, 23 PrimarySmtpAddress 14.1, 24 Accounts 14.1, 25 Account 14.1, 26 AccountId 14.1,
        27 AccountName 14.1, 28 UserDisplayName 14.1, 29 SendDisabled 14.1, 2B RightsManagementInformation 14.1
    """),
    _page(19, "DocumentLibrary", "DocumentLibrary", """
        05 LinkId 12.0, 06 DisplayName 12.0, 07 IsFolder 12.0, 08 CreationDate 12.0, 09 LastModifiedDate 12.0,
        0A IsHidden 12.0, 0B ContentLength 12.0, 0C ContentType 12.0
    """),
    _page(20, "ItemOperations", "ItemOperations", """
        05 ItemOperations 12.0, 06 Fetch 12.0, 07 Store 12.0, 08 Options 12.0, 09 Range 12.0, 0A Total 12.0,
        0B Properties 12.0, 0C Data 12.0, 0D Status 12.0, 0E Response 12.0, 0F Version 12.0, 10 Schema 12.0,
        11 Part 12.0, 12 EmptyFolderContents 12.0, 13 DeleteSubFolders 12.0, 14 UserName 12.1, 15 Password 12.1,
        16 Move 14.0, 17 DstFldId 14.0, 18 ConversationId 14.0, 19 MoveAlways 14.0
    """),
    _page(21, "ComposeMail", "ComposeMail", """
        05 SendMail 14.0, 06 SmartForward 14.0, 07 SmartReply 14.0, 08 SaveInSentItems 14.0, 09 ReplaceMime 14.0,
        0A Type reserved, 0B Source 14.0, 0C FolderId 14.0, 0D ItemId 14.0, 0E LongId 14.0, 0F InstanceId 14.0,
        10 Mime 14.0, 11 ClientId 14.0, 12 Status 14.0, 13 AccountId 14.1, 15 Forwardees 16.0, 16 Forwardee 16.0,
        17 Name 16.0, 18 Email 16.0
    """),
    _page(22, "Email2", "Email2", """
        05 UmCallerID 14.0, 06 UmUserNotes 14.0, 07 UmAttDuration 14.0, 08 UmAttOrder 14.0, 09 ConversationId 14.0,
        0A ConversationIndex 14.0, 0B LastVerbExecuted 14.0, 0C LastVerbExecutionTime 14.0, 0D ReceivedAsBcc 14.0,
        0E Sender 14.0, 0F CalendarType 14.0, 10 IsLeapMonth 14.0, 11 AccountId 14.1, 12 FirstDayOfWeek 14.1,
        13 MeetingMessageType 14.1, 15 IsDraft 16.0, 16 Bcc 16.0, 17 Send 16.0
    """),
    _page(23, "Notes", "Notes", """
        05 Subject 14.0, 06 MessageClass 14.0, 07 LastModifiedDate 14.0, 08 Categories 14.0, 09 Category 14.0
    """),
    _page(24, "RightsManagement", "RightsManagement", """
        05 RightsManagementSupport 14.1, 06 RightsManagementTemplates 14.1, 07 RightsManagementTemplate 14.1,
        08 RightsManagementLicense 14.1, 09 EditAllowed 14.1, 0A ReplyAllowed 14.1, 0B ReplyAllAllowed 14.1,
        0C ForwardAllowed 14.1, 0D ModifyRecipientsAllowed 14.1, 0E ExtractAllowed 14.1, 0F PrintAllowed 14.1,
        10 ExportAllowed 14.1, 11 ProgrammaticAccessAllowed 14.1, 12 Owner 14.1, 13 ContentExpiryDate 14.1,
        14 TemplateID 14.1, 15 TemplateName 14.1, 16 TemplateDescription 14.1, 17 ContentOwner 14.1,
        18 RemoveRightsManagementProtection 14.1
    """),
    _page(25, "Find", "Find", """
        05 Find 16.1, 06 SearchId 16.1, 07 ExecuteSearch 16.1, 08 MailBoxSearchCriterion 16.1, 09 Query 16.1,
        0A Status 16.1, 0B FreeText 16.1, 0C Options 16.1, 0D Range 16.1, 0E DeepTraversal 16.1, 11 Response 16.1,
        12 Result 16.1, 13 Properties 16.1, 14 Preview 16.1, 15 HasAttachments 16.1, 16 Total 16.1, 17 DisplayCc 16.1,
        18 DisplayBcc 16.1, 19 GalSearchCriterion 16.1, 20 MaxPictures 16.1, 21 MaxSize 16.1, 22 Picture 16.1
    """),
)
# fmt: on

PAGES: dict[int, CodePage] = {page.number: page for page in _TABLE}

# A tag's key is `page << 8 | token`: one integer to compare and look up in the parsers' loops.
NAMES: dict[int, str] = {page.number << 8 | token: tag for page in _TABLE for token, tag in page.tags.items()}
_KEYS: dict[str, int] = {f"{PAGES[key >> 8].name}:{tag}": key for key, tag in NAMES.items()}


def key(qualified_name: str) -> int:
    """The key of a tag named as "Page:Tag", such as "Ping:HeartbeatInterval"; KeyError when there is none."""
    return _KEYS[qualified_name]


def tag_name(page: int, token: int) -> str:
    """The tag's name, or "Unknown-0x3A"."""
    return NAMES.get(page << 8 | token) or f"Unknown-0x{token:02X}"


def page_name(page: int) -> str:
    """The page's name, or "Unknown-page-0x1E"."""
    known = PAGES.get(page)
    return known.name if known else f"Unknown-page-0x{page:02X}"


def namespace(page: int) -> str:
    """The page's XML namespace, or "Unknown-page-0x1E"."""
    known = PAGES.get(page)
    return known.namespace if known else f"Unknown-page-0x{page:02X}"
